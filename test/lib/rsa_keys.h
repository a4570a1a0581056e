/*
 * rsa_keys.h -- keys that were made for tests, and open nothing.
 */
#ifndef TEST_LIB_RSA_KEYS_H
#define TEST_LIB_RSA_KEYS_H

/* 2048 bits, and its public half. */
static const char rsa_key_2048[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC95qTi/N+BXNgT\n"
    "GuAHMP6+mSFDfDl9mvEE/wPlldPkaAIu4uMdX8mGApy+u51sSbPT16XihdhdGsJj\n"
    "s4Q45eV325cVledLEj8kx/fkSZxrF0Nw0ZtqDOjN5nZLXxvXCyF/mN4ABtky2kMf\n"
    "FH6hAYiaEGF9wA+IZziB5RE7xvIck+TxRW5wFL83/w5FIDCfbz9wqqHgZjMfZslX\n"
    "8tUcmd+ZsOKfLT63wfAvMx+yX9Phs8ZA4hYBIK6/oFQzQr5BDrNSamdOsGAF1LkQ\n"
    "DRzMWNio2sIUPcUYBNJltoDzJS+Q0mM73wXGdVAyNWyY+adIsWhrkQ0uqMDRpOoK\n"
    "701c5vIdAgMBAAECggEAItl/6vQTJE9gi+kDse4o4duCQjs65bUYhB00nt5nG2SG\n"
    "+gnDOjHI7uHt2AbgNe40pSzPEYoUkcmGYPuhyTtPaDaRPHHdF2bK1boo4OktXm3P\n"
    "f5XH2qdx1c90aBKVLlqplBv+qayYEYACj2KYdn2sjvFwor4rW5HtydC63+h7qAie\n"
    "3y5y8sXIjwFelT0oSwbFHvlYbEscIx9FnDeMZPGxj8OjXmhSZYOiyPubT5wZ5wTZ\n"
    "OIYokCY+ubB9F+pxN7KeMtyLWWFWwSdFZGNOKYwVLbOUunH7nqOPXnyTpb/qBdhj\n"
    "8R/b86CsaLU6YJ8Fhq5b7PR/Uks/MWcwepOLDaF7gQKBgQDwtikeMruvw4RwrsDB\n"
    "sygsaSFNhkk5AOUjn5/s2Az0mixBHZqoKeHVKc42+d2/UkPciPByzNLjai1hSt/k\n"
    "1Qwlv5Qw/AxuGmUEzCkvEkkYWfR9FHN51QaaehlALeRuj3o9u2sPzEytjnhIoYzd\n"
    "/mqSsCaMvp5bJ6y8/P3OeNrIPQKBgQDJ9lScVJN16ASTRbTcmlk/u/wHPhcX1CXO\n"
    "bbx9yZqX/xaPoBo+kE0fiqzeb20qx51foccWCF/0E1T2WO6gwdCpgttb2cRcH6Cx\n"
    "DvBIo9sIcvvCOIsYnEKmpW/0aaZVOIzKOAXZghh1JP3jlM0OpPn10uf5Nze5iTlr\n"
    "G0R+2DOPYQKBgDvV3ETAcb1QScTE++9qfIsFmxytS9haq5r+W//A+P94r5WEKWSx\n"
    "/IxDdxpdZEzhwzK366Vt2uJjC2LK/PriJsHfbJP8o45fC0t1AKvNzNO70LWi9s2L\n"
    "MbgGr+4vOkBtdAKSaxujOlBOQQI0/lJUouNR3FNSMwUPyLW14dWIX0I1AoGABc/e\n"
    "83jDnZsFtq9E2yxd8SWZxSOWSotCY0RpLj2FA2bF4XA8ERzZ+1RkUSpnu9luv/fJ\n"
    "4OpwyHdd9JDunRW2yYoIggYsTnJij3XcmFqOzRlyAU7bQeQNTvpn1GLN9JniA1fF\n"
    "Y1MJHSXpYIlBtXAt+VMOde+O3PoD+v8X44aZRUECgYEAtJR4U6hk/b2crsPBk9K/\n"
    "1WrNIELajhMjdDH8Wodt6TPwfLAHwW7d3HRsleBX8cpIeo84rbZqihBuR4vKsHn7\n"
    "FBmDJVmPQYt4syMPOsHC+0bU9HS2fsunmwL2I0+R/RWw5IT16ZoZamGcJhnq6Z6M\n"
    "mW5yIKJ27SwW2UHvkzsCLw0=\n"
    "-----END PRIVATE KEY-----\n";

static const char rsa_key_2048_public[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAveak4vzfgVzYExrgBzD+\n"
    "vpkhQ3w5fZrxBP8D5ZXT5GgCLuLjHV/JhgKcvrudbEmz09el4oXYXRrCY7OEOOXl\n"
    "d9uXFZXnSxI/JMf35EmcaxdDcNGbagzozeZ2S18b1wshf5jeAAbZMtpDHxR+oQGI\n"
    "mhBhfcAPiGc4geURO8byHJPk8UVucBS/N/8ORSAwn28/cKqh4GYzH2bJV/LVHJnf\n"
    "mbDiny0+t8HwLzMfsl/T4bPGQOIWASCuv6BUM0K+QQ6zUmpnTrBgBdS5EA0czFjY\n"
    "qNrCFD3FGATSZbaA8yUvkNJjO98FxnVQMjVsmPmnSLFoa5ENLqjA0aTqCu9NXOby\n"
    "HQIDAQAB\n"
    "-----END PUBLIC KEY-----\n";

/* Too short to be used. */
static const char rsa_key_1024[] =
    "-----BEGIN RSA PRIVATE KEY-----\n"
    "MIICXQIBAAKBgQC6cnGr39n865tcYhhFQlmCm9RAa+Id8AS81AwawxA8iA141I8m\n"
    "k+NdnkyswmfBnOZTZNs/S0+pXu6hD8eZSbtNNIkJya8CfnWbvHFWT8fYe3xn1/fL\n"
    "ZItA4449Cvc8A2bdZe6ZUYY8QrARHjzVjbmPaPMPkFtp5UrUue+nuoF3JQIDAQAB\n"
    "AoGASEWsgm9XVI8PvhPYTKCXieVVtVMcZ3Zun7OirY0Hci9a6YebpdyVuehu2FjT\n"
    "V122eoUR58sNqh2+anhvaqAGFhEgEFN3cByWvDlxdHTTYOSCGOvP2domsdUqFDoQ\n"
    "VpX35V6PpTP1dThGz3tnT4ZhUPenbpvaNLxpbFJMstP2P9ECQQDxHzzxaGnuB0dA\n"
    "VxSMWhr0AuEegmSMzbs/DXT9wgNQRcOSTaVrUfWziGMIk4/pOm94qperj4M2Ir+n\n"
    "AjpBAyd7AkEAxfOPdaSZklZMQpC0ax06CyxSJI0BfJjXY88BprKIz1xSJ0JFKlbZ\n"
    "OYoJFEM4r7v1AAorMZOA4Op7viXtz4BJ3wJAHGKEBxs2lSnQLnfR2G/nCmCoZbIN\n"
    "6jFx4ItSAWlsgG+mBTwUxByC4x6kIedVIqyZYMgcULr1RFM04pE1kF+xrwJBAK6E\n"
    "Bewfi0zaTC07SfRNNgj3sAuNTMw+K1ZRABGowLifmcYGxNeI7cWujkaQ5P75ZAv+\n"
    "6wmwEyU3VJTU943Cel0CQQCLWwP3LZQmIcGELa1OBHpNSNQhit5OejEbUgt1I1CS\n"
    "f6ZT262Yn1CyoYzyhuCiHMjAS9lP0xZWDvs5QSWbsmYS\n"
    "-----END RSA PRIVATE KEY-----\n";

/* Not of RSA. */
static const char ec_key[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgbyt07aPzc/2uwjT7\n"
    "TKfgesRnleEjNPN0Fuaxe23O4KGhRANCAAR49pcySIAUno4fta78P7QFNe1vSHre\n"
    "4IsRIR5dWmPUbDHRvQIr3P6rOlpzxJlzv24Too5pozuyipZ+xcWE4idc\n"
    "-----END PRIVATE KEY-----\n";

#endif /* TEST_LIB_RSA_KEYS_H */
