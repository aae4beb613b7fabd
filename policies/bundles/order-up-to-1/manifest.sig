{
 "signatures": [
  {
   "key_id": "2a31b71823a9dbb8",
   "ed25519": "71db4a83528dca655fcd4f84b19933abb0963017b18485c6e4af2dcbffb2d3dbd7cc5532ea0bef56cf68cc30c48800f5c6553108583aa676a28e190a6c150f0b"
  }
 ]
}
