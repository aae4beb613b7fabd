{
 "signatures": [
  {
   "key_id": "487d30c80b11ca43",
   "ed25519": "8edf360cea35c969d6dc54b2c09c49a15e34db5caa9e5c1e0e3f6f252aedb6c4ecca52ba2e4ec2c825f7bbd898b0c38c0ddfcd9e170f2029be961f9b5dbfd005"
  }
 ]
}
