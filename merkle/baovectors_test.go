package merkle

import (
	"bytes"
	"context"
	"encoding/binary"
	"testing"

	"github.com/zeebo/blake3"
)

// baoInput is the input of Bao's official vectors: 4-byte little-endian numbers,
// from 1 up.
func baoInput(n int) []byte {
	b := make([]byte, 0, n+3)
	for i := uint32(1); len(b) < n; i++ {
		b = binary.LittleEndian.AppendUint32(b, i)
	}
	return b[:n]
}

// Facts from the official vectors: github.com/oconnor663/bao,
// tests/test_vectors.json at commit 697fefe4d8eb. Encodings are given by length
// and BLAKE3 digest.
func TestBaoOfficialVectors(t *testing.T) {
	for _, v := range []struct {
		size                     int
		root, combined, outboard string
		combinedLen, outboardLen int
	}{
		{0, "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262", "71e0a99173564931c0b8acc52d2685a8e39c64dc52e3d02390fdac2a12b155cb", "71e0a99173564931c0b8acc52d2685a8e39c64dc52e3d02390fdac2a12b155cb", 8, 8},
		{1, "48fc721fbbc172e0925fa27af1671de225ba927134802998b10a1568a188652b", "fa1fd2786e8860a7aa94276683579b3ed999ebdc2257a924811c4bcdbe5ee9f4", "1a0d12016999e47689dae5744d2b8c1903faf7ca2886a658150083100ef2c8ee", 9, 8},
		{1023, "15f8c1ae1049fe7e837186612c8ce732e66835841a4569b71e4ac3e3d3411b90", "94c16da9b8aab7077c49f73658b3d522c55f5cf94f9a22e1c91f7e2e75953803", "044eb61340254eec36c5e66bf8fed9275fef9ad1894f8ae55221a98d5e25e255", 1031, 8},
		{1024, "f749c19181983b839cd97fe121cebaf076bc951e8c8e6d64accfedad5951ec22", "62881f0fbd8b62d69f23b75abe62f4c56874a58699ff6741686f40dfcc20f05e", "d27e778a2b838caf6be23c7528e6f1f7beb6bff048f9cf9a8fdb2767c74215b3", 1032, 8},
		{1025, "3613596275c4ea790774dedf20835b2daf86cacc892feef6ce720c121572f1f9", "04a7fc9414f25fbb4529968d4eb32e569691ad3517f45fa736cfddaed99d66f5", "025f630e00fbdcc023b970c9f1f21016c56c0a34e384e712c66428bf1c7999b9", 1097, 72},
		{2047, "89cc9b9cf2a83f03b22983c8bd7f2df392f5c1966f0e221db9ab396f7043c4d7", "7b74fc273e48f75185f87e9574edcf286eb267be463c056c93c39728b18d250d", "f281b8a95b6c5eaea8e86732d24c88aa407df10295709e419772d615028b40a0", 2119, 72},
		{2048, "fed8b40d6095dc7c5061f9cd832fd192337473bd392bf6f6bbaf1261ea78f8fa", "d1c5ba94d24e1e3005685e53521b6110c1b16cb675f8c1a6ba95d3cca111fb15", "55546b68936932ac03d2a01de41517c287ddd68b79715ef892a636dc38292a90", 2120, 72},
		{2049, "64770fa15a4bbe7770654c4ac68ed4f0e975ad6c85b5edb4d3db3b4b604e084e", "d9ea16809c9a8a86481b09799c8a71e58a1f48a9eec2f85a17a61005229c0de8", "f2afc0716690e8513d8697e3e75f5c3532d51e0c704416e7fb0bbf7c0abfb57e", 2185, 136},
		{3073, "5ba075072daba2470558a171e3769fba057dc3f12375c60892bdbe73348d9fd1", "a49213d8e20de518bc871dd2d6e51569279b9f7639dc5f7fa6510c86fb7b8eba", "fa89135a2c00ff1a073321ed79fd17b9fdd53c2d2549236cd8d796232a89dc83", 3273, 200},
		{11264, "69fa39c8ab837dbb9e419c66a3ab7014ce9f86dba55935936b4c38cfcbc4d5f6", "1bffa084b6811992e88fd0d57f0091de2fe883c4a54348149b741afeb266f874", "651f08a23902499142f6a28fadb99a8cba2bc32fbefe5237fd3a9cb5edec70da", 11912, 648},
		{13312, "3e88d1dd20f426640077dcf82d6d4e18ee0062aa72f8ae547a0e65fcd36a0f06", "e5ca844ba6ac49fad8f888b63b437d7d25ee15d80a7bc01edac16f78e2a65271", "ad01dbb6b7d0fefd1f8e52783d6212856546f382b815a7c370377bc79e0bd41a", 14088, 776},
	} {
		content := baoInput(v.size)
		outboard, root, err := EncodeBaoOutboard(context.Background(), content, 1)
		if err != nil || root != unhexHash(t, v.root) || len(outboard) != v.outboardLen || blake3.Sum256(outboard) != unhexHash(t, v.outboard) {
			t.Errorf("%d bytes: outboard: %v, root %x, %d bytes", v.size, err, root, len(outboard))
		}
		var combined bytes.Buffer
		root, err = EncodeBao(context.Background(), &combined, content, 1)
		if err != nil || root != unhexHash(t, v.root) || combined.Len() != v.combinedLen || blake3.Sum256(combined.Bytes()) != unhexHash(t, v.combined) {
			t.Errorf("%d bytes: combined: %v, root %x, %d bytes", v.size, err, root, combined.Len())
		}
	}
}

// Facts from the same file, section "slice".
func TestBaoOfficialSlices(t *testing.T) {
	for _, v := range []struct {
		size          int
		start, length uint64
		outputLen     int
		output        string
	}{
		{1, 2, 1024, 9, "fa1fd2786e8860a7aa94276683579b3ed999ebdc2257a924811c4bcdbe5ee9f4"},
		{1025, 0, 0, 1096, "4f0cdbee78cfb059fdcaa30d08fbe9c1e0477f924e671a1de8742ba8340c2c5d"},
		{1025, 0, 1024, 1096, "4f0cdbee78cfb059fdcaa30d08fbe9c1e0477f924e671a1de8742ba8340c2c5d"},
		{1025, 1024, 0, 73, "9f358569ae5d9140e2fb67e38a123d4880aa43c32dd7d680ac355448526a0610"},
		{1025, 1026, 1024, 73, "9f358569ae5d9140e2fb67e38a123d4880aa43c32dd7d680ac355448526a0610"},
		{2047, 1023, 0, 1096, "3d1c6a78eeb5431934ce15ba03268b2f2fc41b2de15a21f0690455df4149c210"},
		{2047, 1023, 1024, 2119, "7b74fc273e48f75185f87e9574edcf286eb267be463c056c93c39728b18d250d"},
		{2047, 2048, 0, 1095, "db2e636f81c1a8e8cfd95364b9731bf89dcff6c42d4eb5172df632a2fd879f99"},
		{13312, 6143, 0, 1288, "c0bda2b2d9264831314837582e6025879f2ff8e98920f4fb6ce1f15c200e967f"},
		{13312, 6143, 1024, 2376, "8c9702a45ee45cb83aaf26df01846dfcd1ab1796794c7eab23ad4b72150b80f4"},
		{13312, 7167, 1024, 2312, "63300b203f83b970d50d77abec40bf832342f1652bbef1c280bea954ee077b39"},
		{13312, 8191, 1024, 2504, "627157dc167726ffce845e689bb8525cbd0b7f64682c918ad58d2129dd2e2c68"},
		{13312, 8192, 0, 1288, "2045ad9a4babe21a109593741545a7913e225d1cfded3d2b2ab69971e7404fec"},
		{13312, 12287, 1024, 2312, "a2ff063d77ce8ab2f64ed9ad38fb4813dfb50f41bab06f501b5b4062cb14640f"},
		{13312, 12288, 1024, 1160, "a769554f29020e2366cc67782c2778146b7b559e90b4de2356f67568dda46edd"},
		{13312, 13313, 1024, 1160, "a769554f29020e2366cc67782c2778146b7b559e90b4de2356f67568dda46edd"},
	} {
		content := baoInput(v.size)
		outboard, _, err := EncodeBaoOutboard(context.Background(), content, 1)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		err = BaoSlice(context.Background(), &out, bytes.NewReader(content), bytes.NewReader(outboard), v.start, v.length)
		if err != nil || out.Len() != v.outputLen || blake3.Sum256(out.Bytes()) != unhexHash(t, v.output) {
			t.Errorf("%d bytes, %d from %d: %v, %d bytes, want %d", v.size, v.length, v.start, err, out.Len(), v.outputLen)
		}
	}
}
