// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Where an RFC has whole ESP packets they are these. RFC 3602 gives packets without an ICV and SP
// 800-38A ciphertext alone: around them stand an SPI, a number and an ICV that another
// implementation of HMAC computed. HMAC's own messages are cut into SPI, number, text and, under
// ESN, the high half at the end; keys shorter than ours are filled up with zeros, as RFC 2104 does.
// The source says where an answer was computed by another implementation, as those of
// known_answers.def all were: no class goes without one. A packet's IV need not be
// its number here, which is why sealing keeps it.

#include "crypto/vectors.h"

const struct gw_crypto_vector gw_crypto_vectors[] = {
	{
		.source = "draft-mcgrew-gcm-test-01 section 4",
		.encryption = GW_ENCRYPTION_AES_GCM_16,
		.integrity = GW_INTEGRITY_NONE,
		.esn = true,
		.sequence = 0x8765432100000000,
		.encryption_key = "4c80cdefbb5d10da906ac73c3613a6342e443b68",
		.integrity_key = "",
		.text = "45000048699a000080114db7c0a80102c0a801010a9bf15638d301000001000000000000"
			"045f736970045f756470037369700963796265726369747902646b000021000101020201",
		.packet = "00004321000000004956ed7e3b244cfefecf537e729d5b07dc30df528dd22b768d1b9873"
			  "6696a6fd348509fa13ceac34cfa2436f14a3f3cf65925bf1f4a13c5d15b21e1884f5ff62"
			  "47aeabb786b93bce61bc17d768fd9732459018148f6cbe722fd04796562dfdb4",
	},
	{
		.source = "draft-mcgrew-gcm-test-01 section 4",
		.encryption = GW_ENCRYPTION_AES_GCM_16,
		.integrity = GW_INTEGRITY_NONE,
		.esn = false,
		.sequence = 0xa,
		.encryption_key = "feffe9928665731c6d6a8f9467308308cafebabe",
		.integrity_key = "",
		.text = "4500003e698f000080114dccc0a80102c0a801010a980035002a2343b2d0010000010000"
			"00000000037369700963796265726369747902646b00000100010001",
		.packet = "0000a5f80000000afacedbaddecaf888deb22cd9b07c72c16e3a65beeb8df304a5a5897d"
			  "33ae530f1ba76d5d114d2a5c3de81827c10e9a4f51330d0eec416642cfbb85a5b47e48a4"
			  "ec3b9ba95d918bd183b70d3aa8bc6ee4c309e9d85a41ad4a",
	},
	{
		.source = "draft-mcgrew-gcm-test-01 section 4",
		.encryption = GW_ENCRYPTION_AES_GCM_16,
		.integrity = GW_INTEGRITY_NONE,
		.esn = false,
		.sequence = 0x2,
		.encryption_key =
			"abbccddef00112233445566778899aababbccddef00112233445566778899aab11223344",
		.integrity_key = "",
		.text = "4500003069a6400080062690c0a801029389155e0a9e008b2dc57ee00000000070024000"
			"20bf0000020405b40101040201020201",
		.packet = "4a2cbfe3000000020102030405060708ff425c9b724599df7a3bcd510194e00d6a78107f"
			  "1b0b1cbf06efae9d65a5d763748a637985771d347f0545659f14e99def842d8eb335f4ee"
			  "cfdbf831824b4c4915956c96",
	},
	{
		.source = "draft-mcgrew-gcm-test-01 section 4",
		.encryption = GW_ENCRYPTION_AES_GCM_16,
		.integrity = GW_INTEGRITY_NONE,
		.esn = false,
		.sequence = 0x1,
		.encryption_key = "0000000000000000000000000000000000000000",
		.integrity_key = "",
		.text = "4500003c99c500008001cb7a40679318010101010800075c020044006162636465666768"
			"696a6b6c6d6e6f707172737475767761626364656667686901020201",
		.packet = "000000000000000100000000000000004688daf2f973a392732909c331d56d60f694abaa"
			  "414b5e7ff5fdcdfff5e9a284456476492719ffb64de7d9dca1e1d894bc3bd57873ed4d18"
			  "1d19d4d5c8c18af3f821d496eeb096e98ad2b69e4799c71d",
	},
	{
		.source = "draft-mcgrew-gcm-test-01 section 4",
		.encryption = GW_ENCRYPTION_AES_GCM_16,
		.integrity = GW_INTEGRITY_NONE,
		.esn = true,
		.sequence = 0x1010101010101010,
		.encryption_key = "3de09874b388e6491988d0c3607eae1f57690e43",
		.integrity_key = "",
		.text = "4500003c99c300008001cb7c40679318010101010800085c020043006162636465666768"
			"696a6b6c6d6e6f707172737475767761626364656667686901020201",
		.packet = "42f67e3f101010104e280000a2fca1a3fba2caa4853cf9f0f22cb10d86dd83b0fec75691"
			  "cf1a04b00d1138ec9c35791765acbd8701ad79845bf9fe3fba487bc91755e6662b4c8d0d"
			  "1f5e22739530320ae0d731cc978ecafaeae88f00e80d6e48",
	},
	{
		.source = "draft-mcgrew-gcm-test-01 section 4",
		.encryption = GW_ENCRYPTION_AES_GCM_16,
		.integrity = GW_INTEGRITY_NONE,
		.esn = true,
		.sequence = 0x1010101010101010,
		.encryption_key = "3de09874b388e6491988d0c3607eae1f57690e43",
		.integrity_key = "",
		.text = "4500001c42a200008001441f406793b6e00000020a00f5ff01020201",
		.packet = "42f67e3f101010104e280000a2fca1a3fba2ca845e5df9f0f22c3e6e86dd831e1fc65792"
			  "cd1af9130e1379ed369f071f35e034be95f112e4e7d05d35",
	},
	{
		.source = "draft-mcgrew-gcm-test-01 section 4",
		.encryption = GW_ENCRYPTION_AES_GCM_16,
		.integrity = GW_INTEGRITY_NONE,
		.esn = true,
		.sequence = 0x1,
		.encryption_key = "abbccddef00112233445566778899aabdecaf888",
		.integrity_key = "",
		.text = "4500004933ba00007f119106c3fb1d10c2b1d326c02831ce0035dd7b800302d500004e20"
			"001e8c18d75b81dc91baa0476b91b924b280389d92c963bac046ec959b6266c04722b149"
			"23010101",
		.packet =
			"0000010000000001cafedebaceface7418a6fd42f72cbf4ab2a2ea901f73d814e3e7f243"
			"d95412e1c349c1d2fbec168f9190feebaf2cb01984e65863965d7472b79da345e0e78019"
			"1f0d2f0e0f496c226f2127b27db35724e7845d68651f57e65f354f75ff17015769623436",
	},
	{
		.source = "draft-mcgrew-gcm-test-01 section 4",
		.encryption = GW_ENCRYPTION_AES_GCM_16,
		.integrity = GW_INTEGRITY_NONE,
		.esn = true,
		.sequence = 0x156f3126dd0db99b,
		.encryption_key =
			"abbccddef00112233445566778899aababbccddef00112233445566778899aab73616c74",
		.integrity_key = "",
		.text = "45080028732c00004006e9f90a0106120a01038f06b88023dd6bafbecb71260250101f64"
			"6d540001",
		.packet =
			"17405e67dd0db99b616e640169766563f2d69ecdbd5a0d5b8d5ef38bad4da58d1f278fde"
			"98ef67549d524a3018d9a57ff4d3a31ce673119e451626c2415771e3b7eebca614c89b35",
	},
	{
		.source = "draft-mcgrew-gcm-test-01 section 4",
		.encryption = GW_ENCRYPTION_AES_GCM_16,
		.integrity = GW_INTEGRITY_NONE,
		.esn = true,
		.sequence = 0x1010101010101010,
		.encryption_key = "3de09874b388e6491988d0c3607eae1f57690e43",
		.integrity_key = "",
		.text = "45000049333e00007f119182c3fb1d10c2b1d326c02831ce0035cb458003025b000001e0"
			"001e8c18d65759d52284a0352c71475c8880391c764d6e5ee0496b325ae270c038994939"
			"15010101",
		.packet =
			"42f67e3f101010104e280000a2fca1a3fba2cad12fc1f9f00d3cebf305410db83d7784b6"
			"07323d220f24b0a97d54182800cadb0f68d99ef0e0c0c89ae9bea8884e52d65bc1afd074"
			"0f742444747b5b39ab533163aad4550ee5160975cdb608c5769189609763b8e18caa81e2",
	},
	{
		.source = "draft-mcgrew-gcm-test-01 section 4",
		.encryption = GW_ENCRYPTION_AES_GCM_16,
		.integrity = GW_INTEGRITY_NONE,
		.esn = true,
		.sequence = 0x156f3126dd0db99b,
		.encryption_key =
			"abbccddef00112233445566778899aababbccddef00112233445566778899aab73616c74",
		.integrity_key = "",
		.text = "636973636f0172756c657301746865016e6574776501646566696e650174686574656368"
			"6e6f6c6f67696573017468617477696c6c01646566696e65746f6d6f72726f7701020201",
		.packet = "17405e67dd0db99b616e640169766563d4b7ed86a1777f2ea13d6973d324c69e7b43f826"
			  "fb56831226508bebd2dceb18d0a6df10e5487df074113e14c641024e3e6773d91a62ee42"
			  "9b043a10e3efe6b012a49363412364f8c0cac587f249e56b11e24f30e44ccc76",
	},
	{
		.source = "draft-mcgrew-gcm-test-01 section 4",
		.encryption = GW_ENCRYPTION_AES_GCM_16,
		.integrity = GW_INTEGRITY_NONE,
		.esn = false,
		.sequence = 0xffffffff,
		.encryption_key = "7d773d00c144c525ac619d18c84a3f47d9664267",
		.integrity_key = "",
		.text = "01020201",
		.packet =
			"335467aeffffffff43457e9182443bc6437f866bcb3f699fe9b0822bac961c4504bef270",
	},
	{
		.source = "draft-mcgrew-gcm-test-01 section 4",
		.encryption = GW_ENCRYPTION_AES_GCM_16,
		.integrity = GW_INTEGRITY_NONE,
		.esn = true,
		.sequence = 0x1,
		.encryption_key = "abbccddef00112233445566778899aabdecaf888",
		.integrity_key = "",
		.text = "746f016265016f72016e6f7401746f0162650001",
		.packet = "0000010000000001cafedebaceface7429c9fc69a197d038ccdd14e2ddfcaa0543332164"
			  "412503524303ed3c6c5f283843af8c3e",
	},
	{
		.source = "draft-mcgrew-gcm-test-01 section 4",
		.encryption = GW_ENCRYPTION_AES_GCM_16,
		.integrity = GW_INTEGRITY_NONE,
		.esn = true,
		.sequence = 0xffffffffffffffff,
		.encryption_key =
			"6c6567616c697a656d6172696a75616e61616e64646f69746265666f726569617475726e",
		.integrity_key = "",
		.text = "45000030da3a00008001df3bc0a80005c0a800010800c6cd020007006162636465666768"
			"696a6b6c6d6e6f707172737401020201",
		.packet = "796b6963ffffffff333021696765746df97ab2aa356d8edce17644ac8c78e25dd24dedbb"
			  "29ebf1b64a274b39b49c3a864cd3d78ca4ae68a32b42458fb57dbe821dcc63b9d0937ba2"
			  "945f669368661a329fb4c053",
	},
	{
		.source = "draft-mcgrew-gcm-test-01 section 4",
		.encryption = GW_ENCRYPTION_AES_GCM_16,
		.integrity = GW_INTEGRITY_NONE,
		.esn = false,
		.sequence = 0xa,
		.encryption_key = "feffe9928665731c6d6a8f9467308308feffe9928665731ccafebabe",
		.integrity_key = "",
		.text = "45000028a4ad4000400678800a01038f0a010612802306b8cb712602dd6bb03e501016d0"
			"75680001",
		.packet =
			"0000a5f80000000afacedbaddecaf888a5b1f8066029aea40e598b8122de02420938b3ab"
			"33f828e687b8858b5bfbdbd0315b27452144cc7795457b9652037f5318027b5b4cd7a636",
	},
	{
		.source = "draft-mcgrew-gcm-test-01 section 4, ICV cut to 12 bytes",
		.encryption = GW_ENCRYPTION_AES_GCM_12,
		.integrity = GW_INTEGRITY_NONE,
		.esn = true,
		.sequence = 0x1010101010101010,
		.encryption_key = "3de09874b388e6491988d0c3607eae1f57690e43",
		.integrity_key = "",
		.text = "4500001c42a200008001441f406793b6e00000020a00f5ff01020201",
		.packet = "42f67e3f101010104e280000a2fca1a3fba2ca845e5df9f0f22c3e6e86dd831e1fc65792"
			  "cd1af9130e1379ed369f071f35e034be95f112e4",
	},
	{
		.source = "draft-mcgrew-gcm-test-01 section 4, ICV cut to 12 bytes",
		.encryption = GW_ENCRYPTION_AES_GCM_12,
		.integrity = GW_INTEGRITY_NONE,
		.esn = true,
		.sequence = 0x156f3126dd0db99b,
		.encryption_key =
			"abbccddef00112233445566778899aababbccddef00112233445566778899aab73616c74",
		.integrity_key = "",
		.text = "45080028732c00004006e9f90a0106120a01038f06b88023dd6bafbecb71260250101f64"
			"6d540001",
		.packet = "17405e67dd0db99b616e640169766563f2d69ecdbd5a0d5b8d5ef38bad4da58d1f278fde"
			  "98ef67549d524a3018d9a57ff4d3a31ce673119e451626c2415771e3b7eebca6",
	},
	{
		.source = "draft-mcgrew-gcm-test-01 section 4, ICV cut to 12 bytes",
		.encryption = GW_ENCRYPTION_AES_GCM_12,
		.integrity = GW_INTEGRITY_NONE,
		.esn = false,
		.sequence = 0xffffffff,
		.encryption_key = "7d773d00c144c525ac619d18c84a3f47d9664267",
		.integrity_key = "",
		.text = "01020201",
		.packet = "335467aeffffffff43457e9182443bc6437f866bcb3f699fe9b0822bac961c45",
	},
	{
		.source = "draft-mcgrew-gcm-test-01 section 4, ICV cut to 8 bytes",
		.encryption = GW_ENCRYPTION_AES_GCM_8,
		.integrity = GW_INTEGRITY_NONE,
		.esn = true,
		.sequence = 0x1010101010101010,
		.encryption_key = "3de09874b388e6491988d0c3607eae1f57690e43",
		.integrity_key = "",
		.text = "4500001c42a200008001441f406793b6e00000020a00f5ff01020201",
		.packet = "42f67e3f101010104e280000a2fca1a3fba2ca845e5df9f0f22c3e6e86dd831e1fc65792"
			  "cd1af9130e1379ed369f071f35e034be",
	},
	{
		.source = "draft-mcgrew-gcm-test-01 section 4, ICV cut to 8 bytes",
		.encryption = GW_ENCRYPTION_AES_GCM_8,
		.integrity = GW_INTEGRITY_NONE,
		.esn = true,
		.sequence = 0x156f3126dd0db99b,
		.encryption_key =
			"abbccddef00112233445566778899aababbccddef00112233445566778899aab73616c74",
		.integrity_key = "",
		.text = "45080028732c00004006e9f90a0106120a01038f06b88023dd6bafbecb71260250101f64"
			"6d540001",
		.packet = "17405e67dd0db99b616e640169766563f2d69ecdbd5a0d5b8d5ef38bad4da58d1f278fde"
			  "98ef67549d524a3018d9a57ff4d3a31ce673119e451626c2415771e3",
	},
	{
		.source = "draft-mcgrew-gcm-test-01 section 4, ICV cut to 8 bytes",
		.encryption = GW_ENCRYPTION_AES_GCM_8,
		.integrity = GW_INTEGRITY_NONE,
		.esn = false,
		.sequence = 0xffffffff,
		.encryption_key = "7d773d00c144c525ac619d18c84a3f47d9664267",
		.integrity_key = "",
		.text = "01020201",
		.packet = "335467aeffffffff43457e9182443bc6437f866bcb3f699fe9b0822b",
	},
	{
		.source = "draft-mcgrew-gcm-test-01, AES-GMAC",
		.encryption = GW_ENCRYPTION_AES_GMAC,
		.integrity = GW_INTEGRITY_NONE,
		.esn = false,
		.sequence = 0x7,
		.encryption_key = "4c80cdefbb5d10da906ac73c3613a63422433c64",
		.integrity_key = "",
		.text = "45000030da3a00008001df3bc0a80005c0a800010800c6cd020007006162636465666768"
			"696a6b6c6d6e6f707172737401020201",
		.packet = "0000432100000007000000000000000045000030da3a00008001df3bc0a80005c0a80001"
			  "0800c6cd020007006162636465666768696a6b6c6d6e6f707172737401020201f2a9a836"
			  "e155106aa8dcd618e4099aaa",
	},
	{
		.source = "RFC 7634 appendix A",
		.encryption = GW_ENCRYPTION_CHACHA20_POLY1305,
		.integrity = GW_INTEGRITY_NONE,
		.esn = false,
		.sequence = 0x5,
		.encryption_key =
			"808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3",
		.integrity_key = "",
		.text = "45000054a6f200004001e778c6336405c000020508005b7a3a080000553bec1000073627"
			"08090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b"
			"2c2d2e2f303132333435363701020204",
		.packet = "0102030400000005101112131415161724039428b97f417e3c13753a4f05087b67c352e6"
			  "a7fab1b982d466ef407ae5c614ee8099d52844eb61aa95dfab4c02f72aa71e7c4c4f64c9"
			  "befe2facc638e8f3cbec163fac469b502773f6fb94e664da9165b82829f641e076aaa826"
			  "6b7fb0f7b11b369907e1ad43",
	},
	{
		.source = "RFC 7634 appendix A, 36 bytes of its text; computed by another "
			  "implementation",
		.encryption = GW_ENCRYPTION_CHACHA20_POLY1305,
		.integrity = GW_INTEGRITY_NONE,
		.esn = false,
		.sequence = 0x5,
		.encryption_key =
			"808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3",
		.integrity_key = "",
		.text = "45000054a6f200004001e778c6336405c000020508005b7a3a080000553bec1000073627"
			"01020204",
		.packet =
			"0102030400000005101112131415161724039428b97f417e3c13753a4f05087b67c352e6"
			"a7fab1b982d466ef407ae5c614ee8099dc234ce49eebc8c7f75e1cce4f1ec32ec37efe09",
	},
	{
		.source = "RFC 7634 appendix A with an extended number; computed by another "
			  "implementation",
		.encryption = GW_ENCRYPTION_CHACHA20_POLY1305,
		.integrity = GW_INTEGRITY_NONE,
		.esn = true,
		.sequence = 0x100000005,
		.encryption_key =
			"808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3",
		.integrity_key = "",
		.text = "45000054a6f200004001e778c6336405c000020508005b7a3a080000553bec1000073627"
			"08090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b"
			"2c2d2e2f303132333435363701020204",
		.packet = "0102030400000005101112131415161724039428b97f417e3c13753a4f05087b67c352e6"
			  "a7fab1b982d466ef407ae5c614ee8099d52844eb61aa95dfab4c02f72aa71e7c4c4f64c9"
			  "befe2facc638e8f3cbec163fac469b502773f6fb94e664da9165b82829f641e05b07088d"
			  "e62604bfad93485db1f36490",
	},
	{
		.source = "RFC 7634 appendix A, its text repeated to 196 bytes; computed by "
			  "another implementation",
		.encryption = GW_ENCRYPTION_CHACHA20_POLY1305,
		.integrity = GW_INTEGRITY_NONE,
		.esn = false,
		.sequence = 0x5,
		.encryption_key =
			"808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3",
		.integrity_key = "",
		.text = "45000054a6f200004001e778c6336405c000020508005b7a3a080000553bec1000073627"
			"08090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b"
			"2c2d2e2f303132333435363745000054a6f200004001e778c6336405c000020508005b7a"
			"3a080000553bec100007362708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
			"202122232425262728292a2b2c2d2e2f303132333435363745000054a6f200004001e778"
			"c6336405c000020508005b7a3a08000001020204",
		.packet = "0102030400000005101112131415161724039428b97f417e3c13753a4f05087b67c352e6"
			  "a7fab1b982d466ef407ae5c614ee8099d52844eb61aa95dfab4c02f72aa71e7c4c4f64c9"
			  "befe2facc638e8f3cbec163fac469b502773f6fb94e664da9165b8286df443b021311cfa"
			  "0fe18c03eac1e390480278b60b79193ce63888f8f6b07b1452c99e4bfa71da987c4b0f11"
			  "3d27acf845fc2ac399b64493f0902389d5a6f481b92d5dca1f8d8ff592da7b72739ed34d"
			  "8f00616a920c9dd34a82a4ed7d4deaf4fb77a93d84c02b4da9638488a4861f106c0f7710"
			  "d81a02df2f2ff817e2e69e9ddf973741",
	},
	{
		.source = "RFC 3602 section 4 case 5, key of RFC 4868 section 2.7.2",
		.encryption = GW_ENCRYPTION_AES_CBC,
		.integrity = GW_INTEGRITY_HMAC_SHA2_256_128,
		.esn = false,
		.sequence = 0x1,
		.encryption_key = "90d382b410eeba7ad938c46cec1a82bf",
		.integrity_key = "4a6566654a6566654a6566654a6566654a6566654a6566654a6566654a656665",
		.text = "08000ebda70a00008e9c083db95b070008090a0b0c0d0e0f101112131415161718191a1b"
			"1c1d1e1f202122232425262728292a2b2c2d2e2f30313233343536370102030405060708"
			"090a0b0c0d0e0e01",
		.packet = "0000432100000001e96e8c08ab465763fd098d45dd3ff893f663c25d325c18c6a9453e19"
			  "4e120849a4870b66cc6b9965330013b4898dc856a4699e523a55db080b59ec3a8e4b7e52"
			  "775b07d1db34ed9c538ab50c551b874aa269add047ad2d5913ac19b7cfbad4a697c0aa88"
			  "ee1d61572bd79395041f7a66",
	},
	{
		.source = "RFC 3602 section 4 case 6, key of RFC 4868 section 2.7.2",
		.encryption = GW_ENCRYPTION_AES_CBC,
		.integrity = GW_INTEGRITY_HMAC_SHA2_256_128,
		.esn = true,
		.sequence = 0x89abcdef00000008,
		.encryption_key = "90d382b410eeba7ad938c46cec1a82bf",
		.integrity_key = "4a6566654a6566654a6566654a6566654a6566654a6566654a6566654a656665",
		.text = "0800b5e8a80a0500a69c083d0b660e0077777777777777777777777701020201",
		.packet =
			"000043210000000869d08df7d203329db093fc4924e5bd80f51995881ec4e0c4488987ce"
			"742e8109689bb379d2d750c0d915dca346a89f759aff5ff77afd7a5a69ee55bd6ac13aba",
	},
	{
		.source = "RFC 3602 section 4 case 7, key of RFC 4868 section 2.7.2",
		.encryption = GW_ENCRYPTION_AES_CBC,
		.integrity = GW_INTEGRITY_HMAC_SHA2_256_128,
		.esn = false,
		.sequence = 0x2,
		.encryption_key = "0123456789abcdef0123456789abcdef",
		.integrity_key = "4a6566654a6566654a6566654a6566654a6566654a6566654a6566654a656665",
		.text = "45000054090400004001f988c0a87b03c0a87bc808009f76a90a0100b49c083d02a20400"
			"08090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b"
			"2c2d2e2f30313233343536370102030405060708090a0a04",
		.packet = "0000876500000002f4e765244f6407adf13dc1380f673f37773b5241a4c449225e4f3ce5"
			  "ed611b0c237ca96cf74a93013c1b0ea1a0cf70f8e4ecaec78ac53aad7a0f022b859243c6"
			  "47752e94a859352b8a4d4d2decd136e5c177f132ad3fbfb2201ac9904c74ee0a109e0ca1"
			  "e4dfe9d5a100b842f1c22f0d9d75326234711809a67e6d160f2d08f4",
	},
	{
		.source = "RFC 3602 section 4 case 8, key of RFC 4868 section 2.7.2",
		.encryption = GW_ENCRYPTION_AES_CBC,
		.integrity = GW_INTEGRITY_HMAC_SHA2_256_128,
		.esn = true,
		.sequence = 0x89abcdef00000005,
		.encryption_key = "0123456789abcdef0123456789abcdef",
		.integrity_key = "4a6566654a6566654a6566654a6566654a6566654a6566654a6566654a656665",
		.text = "45000044090c00004001f990c0a87b03c0a87bc80800d63caa0a0200c69c083da3de0300"
			"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff01020304"
			"05060708090a0a04",
		.packet = "000087650000000585d47224b5f3dd5d2101d4ea8dffab2215b92683819596a8047232cc"
			  "00f7048fe45318e11f8a0f62ede3c3fc61203bb50f980a08c9843fd3a1b06d5c07ff9639"
			  "b7eb7dfb3512e5de435e7207ed971ef3d2726d9b5ef6affc6d17a0decbb138926d69c52a"
			  "d3b25e8cbb64471096b8aca7",
	},
	{
		.source = "NIST SP 800-38A F.2.5, key of RFC 4868 section 2.7.2",
		.encryption = GW_ENCRYPTION_AES_CBC,
		.integrity = GW_INTEGRITY_HMAC_SHA2_256_128,
		.esn = false,
		.sequence = 0xb,
		.encryption_key =
			"603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
		.integrity_key = "4a6566654a6566654a6566654a6566654a6566654a6566654a6566654a656665",
		.text = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46"
			"a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
		.packet = "0000a5f80000000b000102030405060708090a0b0c0d0e0ff58c4c04d6e5f1ba779eabfb"
			  "5f7bfbd69cfc4e967edb808d679f777bc6702c7d39f23369a9d9bacfa530e26304231461"
			  "b2eb05e2c39be9fcda6c19078c6a9d1b73b1a98a26b17a6be05e556cfca65c72",
	},
	{
		.source = "NIST SP 800-38A F.2.5, key of RFC 4868 section 2.7.2",
		.encryption = GW_ENCRYPTION_AES_CBC,
		.integrity = GW_INTEGRITY_HMAC_SHA2_256_128,
		.esn = true,
		.sequence = 0x100000000b,
		.encryption_key =
			"603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
		.integrity_key = "4a6566654a6566654a6566654a6566654a6566654a6566654a6566654a656665",
		.text = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46"
			"a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
		.packet = "0000a5f80000000b000102030405060708090a0b0c0d0e0ff58c4c04d6e5f1ba779eabfb"
			  "5f7bfbd69cfc4e967edb808d679f777bc6702c7d39f23369a9d9bacfa530e26304231461"
			  "b2eb05e2c39be9fcda6c19078c6a9d1b3c1520e37dc9aab8baae601abc7fad4e",
	},
	{
		.source = "RFC 3602 section 4 case 5, key of RFC 2202 section 3",
		.encryption = GW_ENCRYPTION_AES_CBC,
		.integrity = GW_INTEGRITY_HMAC_SHA1_96,
		.esn = false,
		.sequence = 0x1,
		.encryption_key = "90d382b410eeba7ad938c46cec1a82bf",
		.integrity_key = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		.text = "08000ebda70a00008e9c083db95b070008090a0b0c0d0e0f101112131415161718191a1b"
			"1c1d1e1f202122232425262728292a2b2c2d2e2f30313233343536370102030405060708"
			"090a0b0c0d0e0e01",
		.packet = "0000432100000001e96e8c08ab465763fd098d45dd3ff893f663c25d325c18c6a9453e19"
			  "4e120849a4870b66cc6b9965330013b4898dc856a4699e523a55db080b59ec3a8e4b7e52"
			  "775b07d1db34ed9c538ab50c551b874aa269add047ad2d5913ac19b7cfbad4a68a8fb0e7"
			  "1ef4e6473e0843e6",
	},
	{
		.source = "RFC 3602 section 4 case 6, key of RFC 2202 section 3",
		.encryption = GW_ENCRYPTION_AES_CBC,
		.integrity = GW_INTEGRITY_HMAC_SHA1_96,
		.esn = true,
		.sequence = 0x89abcdef00000008,
		.encryption_key = "90d382b410eeba7ad938c46cec1a82bf",
		.integrity_key = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		.text = "0800b5e8a80a0500a69c083d0b660e0077777777777777777777777701020201",
		.packet = "000043210000000869d08df7d203329db093fc4924e5bd80f51995881ec4e0c4488987ce"
			  "742e8109689bb379d2d750c0d915dca346a89f75050532b0f367c334cb460793",
	},
	{
		.source = "RFC 3602 section 4 case 7, key of RFC 2202 section 3",
		.encryption = GW_ENCRYPTION_AES_CBC,
		.integrity = GW_INTEGRITY_HMAC_SHA1_96,
		.esn = false,
		.sequence = 0x2,
		.encryption_key = "0123456789abcdef0123456789abcdef",
		.integrity_key = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		.text = "45000054090400004001f988c0a87b03c0a87bc808009f76a90a0100b49c083d02a20400"
			"08090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b"
			"2c2d2e2f30313233343536370102030405060708090a0a04",
		.packet = "0000876500000002f4e765244f6407adf13dc1380f673f37773b5241a4c449225e4f3ce5"
			  "ed611b0c237ca96cf74a93013c1b0ea1a0cf70f8e4ecaec78ac53aad7a0f022b859243c6"
			  "47752e94a859352b8a4d4d2decd136e5c177f132ad3fbfb2201ac9904c74ee0a109e0ca1"
			  "e4dfe9d5a100b842f1c22f0dccae166ac422562d679739ed",
	},
	{
		.source = "RFC 3602 section 4 case 8, key of RFC 2202 section 3",
		.encryption = GW_ENCRYPTION_AES_CBC,
		.integrity = GW_INTEGRITY_HMAC_SHA1_96,
		.esn = true,
		.sequence = 0x89abcdef00000005,
		.encryption_key = "0123456789abcdef0123456789abcdef",
		.integrity_key = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		.text = "45000044090c00004001f990c0a87b03c0a87bc80800d63caa0a0200c69c083da3de0300"
			"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff01020304"
			"05060708090a0a04",
		.packet = "000087650000000585d47224b5f3dd5d2101d4ea8dffab2215b92683819596a8047232cc"
			  "00f7048fe45318e11f8a0f62ede3c3fc61203bb50f980a08c9843fd3a1b06d5c07ff9639"
			  "b7eb7dfb3512e5de435e7207ed971ef3d2726d9b5ef6affc6d17a0decbb1389207cd89c3"
			  "c33f5ddabbeacc98",
	},
	{
		.source = "NIST SP 800-38A F.2.5, key of RFC 2202 section 3",
		.encryption = GW_ENCRYPTION_AES_CBC,
		.integrity = GW_INTEGRITY_HMAC_SHA1_96,
		.esn = false,
		.sequence = 0xb,
		.encryption_key =
			"603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
		.integrity_key = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		.text = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46"
			"a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
		.packet = "0000a5f80000000b000102030405060708090a0b0c0d0e0ff58c4c04d6e5f1ba779eabfb"
			  "5f7bfbd69cfc4e967edb808d679f777bc6702c7d39f23369a9d9bacfa530e26304231461"
			  "b2eb05e2c39be9fcda6c19078c6a9d1bd81354e13dce8c335155fcd3",
	},
	{
		.source = "NIST SP 800-38A F.2.5, key of RFC 2202 section 3",
		.encryption = GW_ENCRYPTION_AES_CBC,
		.integrity = GW_INTEGRITY_HMAC_SHA1_96,
		.esn = true,
		.sequence = 0x100000000b,
		.encryption_key =
			"603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
		.integrity_key = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		.text = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46"
			"a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
		.packet = "0000a5f80000000b000102030405060708090a0b0c0d0e0ff58c4c04d6e5f1ba779eabfb"
			  "5f7bfbd69cfc4e967edb808d679f777bc6702c7d39f23369a9d9bacfa530e26304231461"
			  "b2eb05e2c39be9fcda6c19078c6a9d1bc3e7b7a1e60b96693a21fd0d",
	},
	{
		.source = "RFC 3686 section 6 vector 1, key of RFC 4868 section 2.7.2",
		.encryption = GW_ENCRYPTION_AES_CTR,
		.integrity = GW_INTEGRITY_HMAC_SHA2_256_128,
		.esn = false,
		.sequence = 0x1,
		.encryption_key = "ae6852f8121067cc4bf7a5765577f39e00000030",
		.integrity_key = "4a6566654a6566654a6566654a6566654a6566654a6566654a6566654a656665",
		.text = "53696e676c6520626c6f636b206d7367",
		.packet = "c0ffee01000000010000000000000000e4095d4fb7a7b3792d6175a3261311b84b4a2b8a"
			  "f06ec51fc8f5ad77b9b975a3",
	},
	{
		.source = "RFC 3686 section 6 vector 2, key of RFC 4868 section 2.7.2",
		.encryption = GW_ENCRYPTION_AES_CTR,
		.integrity = GW_INTEGRITY_HMAC_SHA2_256_128,
		.esn = false,
		.sequence = 0x2,
		.encryption_key = "7e24067817fae0d743d6ce1f32539163006cb6db",
		.integrity_key = "4a6566654a6566654a6566654a6566654a6566654a6566654a6566654a656665",
		.text = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
		.packet = "c0ffee0100000002c0543b59da48d90b5104a106168a72d9790d41ee8edad388eb2e1efc"
			  "46da57c8fce630df9141be289992e98047dab4582d82b67354073a35",
	},
	{
		.source = "RFC 3686 section 6 vector 3, key of RFC 4868 section 2.7.2",
		.encryption = GW_ENCRYPTION_AES_CTR,
		.integrity = GW_INTEGRITY_HMAC_SHA2_256_128,
		.esn = false,
		.sequence = 0x3,
		.encryption_key = "7691be035e5020a8ac6e618529f9a0dc00e0017b",
		.integrity_key = "4a6566654a6566654a6566654a6566654a6566654a6566654a6566654a656665",
		.text = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223",
		.packet = "c0ffee010000000327777f3f4a1786f0c1cf48a89f2ffdd9cf4652e9efdb72d74540a42b"
			  "de6d7836d59a5ceaaef3105325b2072f1253daee506b1a96ae92e12ac7eca31f",
	},
	{
		.source = "RFC 4868 section 2.7.2.2, AUTH384-2",
		.encryption = GW_ENCRYPTION_NULL,
		.integrity = GW_INTEGRITY_HMAC_SHA2_384_192,
		.esn = false,
		.sequence = 0x20646f20,
		.encryption_key = "",
		.integrity_key = "4a6566654a6566654a6566654a6566654a6566654a6566654a6566654a6566654"
				 "a6566654a6566654a6566654a656665",
		.text = "79612077616e7420666f72206e6f7468696e673f",
		.packet = "7768617420646f2079612077616e7420666f72206e6f7468696e673f2c7353974f1842fd"
			  "66d53c452ca42122b28c0b594cfb184d",
	},
	{
		.source = "RFC 4868 section 2.7.2.3, AUTH512-2",
		.encryption = GW_ENCRYPTION_NULL,
		.integrity = GW_INTEGRITY_HMAC_SHA2_512_256,
		.esn = false,
		.sequence = 0x20646f20,
		.encryption_key = "",
		.integrity_key = "4a6566654a6566654a6566654a6566654a6566654a6566654a6566654a6566654"
				 "a6566654a6566654a6566654a6566654a6566654a6566654a6566654a656665",
		.text = "79612077616e7420666f72206e6f7468696e673f",
		.packet = "7768617420646f2079612077616e7420666f72206e6f7468696e673fcb370917ae8a7ce2"
			  "8cfd1d8f4705d6141c173b2a9362c15df235dfb251b15454",
	},
	{
		.source = "RFC 3566 section 4.6, 16 bytes",
		.encryption = GW_ENCRYPTION_NULL,
		.integrity = GW_INTEGRITY_AES_XCBC_96,
		.esn = false,
		.sequence = 0x4050607,
		.encryption_key = "",
		.integrity_key = "000102030405060708090a0b0c0d0e0f",
		.text = "08090a0b0c0d0e0f",
		.packet = "000102030405060708090a0b0c0d0e0fd2a246fa349b68a79998a439",
	},
	{
		.source = "RFC 3566 section 4.6, 20 bytes",
		.encryption = GW_ENCRYPTION_NULL,
		.integrity = GW_INTEGRITY_AES_XCBC_96,
		.esn = false,
		.sequence = 0x4050607,
		.encryption_key = "",
		.integrity_key = "000102030405060708090a0b0c0d0e0f",
		.text = "08090a0b0c0d0e0f10111213",
		.packet = "000102030405060708090a0b0c0d0e0f1011121347f51b4564966215b8985c63",
	},
	{
		.source = "RFC 4493 section 4, 16 bytes, cut as in RFC 4494",
		.encryption = GW_ENCRYPTION_NULL,
		.integrity = GW_INTEGRITY_AES_CMAC_96,
		.esn = false,
		.sequence = 0x2e409f96,
		.encryption_key = "",
		.integrity_key = "2b7e151628aed2a6abf7158809cf4f3c",
		.text = "e93d7e117393172a",
		.packet = "6bc1bee22e409f96e93d7e117393172a070a16b46b4d4144f79bdd9d",
	},
	{
		.source = "RFC 4493 section 4, 40 bytes, cut as in RFC 4494",
		.encryption = GW_ENCRYPTION_NULL,
		.integrity = GW_INTEGRITY_AES_CMAC_96,
		.esn = false,
		.sequence = 0x2e409f96,
		.encryption_key = "",
		.integrity_key = "2b7e151628aed2a6abf7158809cf4f3c",
		.text = "e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411",
		.packet = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46"
			  "a35ce411dfa66747de9ae63030ca3261",
	},
	{
		.source = "RFC 4493 section 4, 64 bytes, cut as in RFC 4494",
		.encryption = GW_ENCRYPTION_NULL,
		.integrity = GW_INTEGRITY_AES_CMAC_96,
		.esn = false,
		.sequence = 0x2e409f96,
		.encryption_key = "",
		.integrity_key = "2b7e151628aed2a6abf7158809cf4f3c",
		.text = "e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc119"
			"1a0a52eff69f2445df4f9b17ad2b417be66c3710",
		.packet = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46"
			  "a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c371051f0bebf7e3b9d92"
			  "fc497417",
	},
	{
		.source = "RFC 4868 section 2.7.2.1, AUTH256-2",
		.encryption = GW_ENCRYPTION_NULL,
		.integrity = GW_INTEGRITY_HMAC_SHA2_256_128,
		.esn = false,
		.sequence = 0x20646f20,
		.encryption_key = "",
		.integrity_key = "4a6566654a6566654a6566654a6566654a6566654a6566654a6566654a656665",
		.text = "79612077616e7420666f72206e6f7468696e673f",
		.packet = "7768617420646f2079612077616e7420666f72206e6f7468696e673f167f928588c5cc2e"
			  "ef8e3093caa0e87c",
	},
	{
		.source = "RFC 4231 section 4.3",
		.encryption = GW_ENCRYPTION_NULL,
		.integrity = GW_INTEGRITY_HMAC_SHA2_256_128,
		.esn = false,
		.sequence = 0x20646f20,
		.encryption_key = "",
		.integrity_key = "4a65666500000000000000000000000000000000000000000000000000000000",
		.text = "79612077616e7420666f72206e6f7468696e673f",
		.packet = "7768617420646f2079612077616e7420666f72206e6f7468696e673f5bdcc146bf60754e"
			  "6a042426089575c7",
	},
	{
		.source = "RFC 4231 section 4.6",
		.encryption = GW_ENCRYPTION_NULL,
		.integrity = GW_INTEGRITY_HMAC_SHA2_256_128,
		.esn = false,
		.sequence = 0x20576974,
		.encryption_key = "",
		.integrity_key = "0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c000000000000000000000000",
		.text = "68205472756e636174696f6e",
		.packet =
			"546573742057697468205472756e636174696f6ea3b6167473100ee06e0c796c2955552b",
	},
	{
		.source = "RFC 2202 section 3 case 2",
		.encryption = GW_ENCRYPTION_NULL,
		.integrity = GW_INTEGRITY_HMAC_SHA1_96,
		.esn = false,
		.sequence = 0x20646f20,
		.encryption_key = "",
		.integrity_key = "4a65666500000000000000000000000000000000",
		.text = "79612077616e7420666f72206e6f7468696e673f",
		.packet = "7768617420646f2079612077616e7420666f72206e6f7468696e673feffcdf6ae5eb2fa2"
			  "d27416d5",
	},
	{
		.source = "RFC 2202 section 3 case 5",
		.encryption = GW_ENCRYPTION_NULL,
		.integrity = GW_INTEGRITY_HMAC_SHA1_96,
		.esn = false,
		.sequence = 0x20576974,
		.encryption_key = "",
		.integrity_key = "0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c",
		.text = "68205472756e636174696f6e",
		.packet = "546573742057697468205472756e636174696f6e4c1a03424b55e07fe7f27be1",
	},
	{
		.source = "RFC 4868 section 2.7.2.1, AUTH256-2",
		.encryption = GW_ENCRYPTION_NULL,
		.integrity = GW_INTEGRITY_HMAC_SHA2_256_128,
		.esn = true,
		.sequence = 0x696e673f20646f20,
		.encryption_key = "",
		.integrity_key = "4a6566654a6566654a6566654a6566654a6566654a6566654a6566654a656665",
		.text = "79612077616e7420666f72206e6f7468",
		.packet = "7768617420646f2079612077616e7420666f72206e6f7468167f928588c5cc2eef8e3093"
			  "caa0e87c",
	},
	{
		.source = "RFC 4231 section 4.3",
		.encryption = GW_ENCRYPTION_NULL,
		.integrity = GW_INTEGRITY_HMAC_SHA2_256_128,
		.esn = true,
		.sequence = 0x696e673f20646f20,
		.encryption_key = "",
		.integrity_key = "4a65666500000000000000000000000000000000000000000000000000000000",
		.text = "79612077616e7420666f72206e6f7468",
		.packet = "7768617420646f2079612077616e7420666f72206e6f74685bdcc146bf60754e6a042426"
			  "089575c7",
	},
	{
		.source = "RFC 4231 section 4.6",
		.encryption = GW_ENCRYPTION_NULL,
		.integrity = GW_INTEGRITY_HMAC_SHA2_256_128,
		.esn = true,
		.sequence = 0x74696f6e20576974,
		.encryption_key = "",
		.integrity_key = "0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c000000000000000000000000",
		.text = "68205472756e6361",
		.packet = "546573742057697468205472756e6361a3b6167473100ee06e0c796c2955552b",
	},
	{
		.source = "RFC 2202 section 3 case 2",
		.encryption = GW_ENCRYPTION_NULL,
		.integrity = GW_INTEGRITY_HMAC_SHA1_96,
		.esn = true,
		.sequence = 0x696e673f20646f20,
		.encryption_key = "",
		.integrity_key = "4a65666500000000000000000000000000000000",
		.text = "79612077616e7420666f72206e6f7468",
		.packet =
			"7768617420646f2079612077616e7420666f72206e6f7468effcdf6ae5eb2fa2d27416d5",
	},
	{
		.source = "RFC 2202 section 3 case 5",
		.encryption = GW_ENCRYPTION_NULL,
		.integrity = GW_INTEGRITY_HMAC_SHA1_96,
		.esn = true,
		.sequence = 0x74696f6e20576974,
		.encryption_key = "",
		.integrity_key = "0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c",
		.text = "68205472756e6361",
		.packet = "546573742057697468205472756e63614c1a03424b55e07fe7f27be1",
	},
#define ANSWER(e, i, esn_, number, encryption_key_, integrity_key_, text_, packet_)                \
	{                                                                                          \
		.source = "another implementation",                                                \
		.encryption = GW_ENCRYPTION_##e,                                                   \
		.integrity = GW_INTEGRITY_##i,                                                     \
		.esn = esn_,                                                                       \
		.sequence = number,                                                                \
		.encryption_key = encryption_key_,                                                 \
		.integrity_key = integrity_key_,                                                   \
		.text = text_,                                                                     \
		.packet = packet_,                                                                 \
	},
#include "crypto/known_answers.def"
#undef ANSWER
};

const unsigned int gw_crypto_vector_count =
	sizeof(gw_crypto_vectors) / sizeof(gw_crypto_vectors[0]);
