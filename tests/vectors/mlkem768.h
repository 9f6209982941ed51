/*
 * Known answers of ML-KEM-768, from @noble/post-quantum 0.7.1: tests/interop/mlkem_noble.mjs --vectors writes this file.
 *
 * Round i takes d, z and m from SHAKE256("mlkem768 " i, 96), i in decimal.  The last secret is that of the ciphertext with bit
 * 97 i mod 8704 flipped (bit 0 is the lowest of byte 0).
 */
static const struct {
    const char *ek, *dk, *ct; /* SHA3-256 of each */
    const char *ss, *rejected;
} mlkem768_vectors[] = {
    { "0b3148ae34b8330c921f6ffd6aba2e1009fa60d4cd848c54aba980db53df79f2",
      "04200887751a2cbad3f6f26ad1dda2f83b3d3ee3f51ba4590c7c4c1f7576a41b",
      "67877892cd5a8c4f849ee763de6dc7f7fdaa553a9d463bfacbe1c39760cf56e9",
      "f42337d36029df44921c6c9b6012d5bd83f8483e2d7fa65efa82cfe49aeb53a1",
      "27e7fd731cc0ee4ea0e51c8bf5243ee2c17ab7f8055964bb2311cb4485d64d3c" },
    { "eba52ff038f43b8181357238cfb26bda63ef3c2a406016c261bc62b1498b4b12",
      "46a7cf55d26cb50b8a2185b4e692a31136d7cf0342224231cb77aa8632bdd528",
      "3a4c4e5ab7f14be0bda96b71bf5a97afb581f7c9dfef2e615bd882d505496c80",
      "1c4e03debe2d8899ccf72de22da818ea938c9c45a02061c584bc42e93540b530",
      "607046bcf24ba098b21237d38a29b77520d40e792045150745a669c172d0a5b4" },
    { "2e55b02367a24e00a8eaff448e31b11adf98831f1af2fa23fd9ad70be80ff6d7",
      "74bbbc100e9b40344a8dbd2553f61ef5267604606b790f62dab8e2ae55987085",
      "c92da631a6d1a8bc27ff53b3237bcbb1d74d59b5bb71925d607d52bc38796ad5",
      "4787fea7ae636721f8106dd64bfe86280a44c2273fb5ca2cd4d5ae1a0c18d656",
      "bec037f25138a2b4ef08377e61824d1f1d72061f0ea3239ac7cfbed7959ef0d2" },
    { "71000d30d310e32ea65e228c4207d317ca56b7416f14fa0881e7cb531037a160",
      "172245e6027ecdc577f320d7fa36acd33ff45866df893da8c41bd69a49bf2d40",
      "7ca94efe1760ebe4af2dd09dd65d4130dfb609ee9aef12d5bdddf5378e0ee588",
      "aac6817fd2c578b1927efa24e5882dd11829239e8ad35c706a2dedf21c7fdbac",
      "98297ec4abca1dd36ffd23285b580533e840f82cdd77930328fb4385f0616689" },
    { "21333c25222834729923111125bb0d150a75e8035aaa18dbfb778ec6b077cf19",
      "fe9509232bb413e56ce96e8860c98c83099243d5b3e4dc65efdaab7a412a3324",
      "f66e01407b2129d2ddc9363e8a3732b558711090ddb87d19edf05ca07e956cc2",
      "28c6f2dbf75bf70f7c80fdb7e0a2cdd17dee037a2717dce7989f8034c3f30ada",
      "87b2fd6814bc1380c0d5f3a8328fe8b3121be9b86b692db416178bde3e9d5d1d" },
};

/* SHA3-256 over ek, dk, ct, ss and rejected of the rounds 0 to 999. */
static const char mlkem768_thousand[] = "3a0dfab6ba29e1e524701f0414ca6399a7015404cb8fd66a39635a481fc424a7";
