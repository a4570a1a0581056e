-- What the signature doctor found, as one word; `diagnosis' has the sentence.
ALTER TABLE rejections ADD COLUMN code TEXT;
