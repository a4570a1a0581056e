// sqs.mjs -- an SQS on 127.0.0.1 (fauxqs) with one queue, "orders"; prints its
// own address, and the queue's.
import fs from 'node:fs';
import { buildApp } from 'fauxqs';
import { SQSClient, CreateQueueCommand } from '@aws-sdk/client-sqs';

const app = buildApp({ logger: false });
const endpoint = await app.listen({ port: 0, host: '127.0.0.1' });
const client = new SQSClient({ endpoint, region: 'us-east-1',
  credentials: { accessKeyId: 'a', secretAccessKey: 'b' } });
const { QueueUrl } = await client.send(new CreateQueueCommand(
  { QueueName: 'orders' }));
fs.writeSync(1, `listening: ${endpoint} ${QueueUrl}\n`);
