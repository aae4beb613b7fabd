{
 "signatures": [
  {
   "key_id": "487d30c80b11ca43",
   "ed25519": "b62c98f7ef766972c223aa2465c59c23a449a08128efddc4e2bb9bea19071d36972dd3b1f416ebdb756dc6216db108f751c3cfd7fe4c07cc6c13f56680ff0a01"
  }
 ]
}
