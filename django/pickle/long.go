package pickle

import (
	"math/big"
	"slices"
)

// Python writes integers in two's complement, little end first, in as few bytes
// as can be, nought in none.

// trimLong returns how many of the bytes are needed.
func trimLong(s string) int {
	n := len(s)
	for n > 1 && (s[n-1] == 0x00 && s[n-2] < 0x80 || s[n-1] == 0xFF && s[n-2] >= 0x80) {
		n--
	}
	if n == 1 && s[0] == 0 {
		return 0
	}
	return n
}

// smallLong reads at most eight bytes.
func smallLong(s string) (i int64) {
	for j := range len(s) {
		i |= int64(s[j]) << (8 * j)
	}
	unused := 64 - 8*len(s)
	return i << unused >> unused
}

func bigLong(s string) *big.Int {
	b := []byte(s)
	slices.Reverse(b)
	i := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0] >= 0x80 {
		i.Sub(i, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return i
}

func appendLong(dst []byte, i *big.Int) []byte {
	n := i.BitLen()/8 + 1 // one more than enough for the least of that length
	if i.Sign() < 0 {
		i = new(big.Int).Add(i, new(big.Int).Lsh(big.NewInt(1), uint(8*n)))
	}
	b := i.FillBytes(make([]byte, n))
	slices.Reverse(b)
	return append(dst, b[:trimLong(string(b))]...)
}
