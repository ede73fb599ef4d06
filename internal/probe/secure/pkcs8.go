package secure

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha1" // the default of RFC 8018
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"hash"
)

// maxIterations bounds what a key may ask of us before it is decrypted.
const maxIterations = 10_000_000

var (
	oidPBES2  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
)

// keyLength is that of AES in CBC mode, in bytes; 0: it is another cipher.
func keyLength(oid string) int {
	switch oid {
	case "2.16.840.1.101.3.4.1.2":
		return 16
	case "2.16.840.1.101.3.4.1.22":
		return 24
	case "2.16.840.1.101.3.4.1.42":
		return 32
	}
	return 0
}

// hashOf is the hash below an HMAC, nil if it is not known.
func hashOf(oid string) func() hash.Hash {
	switch oid {
	case "", "1.2.840.113549.2.7":
		return sha1.New
	case "1.2.840.113549.2.9":
		return sha256.New
	case "1.2.840.113549.2.10":
		return sha512.New384
	case "1.2.840.113549.2.11":
		return sha512.New
	}
	return nil
}

// decryptPKCS8 opens an EncryptedPrivateKeyInfo (RFC 5958 §3) by PBES2 (RFC
// 8018 §6.2) with AES, which is what OpenSSL writes.
func decryptPKCS8(der []byte, password string) ([]byte, error) {
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte
	}
	var scheme struct{ Derive, Encrypt pkix.AlgorithmIdentifier }
	var derive struct {
		Salt       []byte
		Iterations int
		Length     int                      `asn1:"optional"`
		Function   pkix.AlgorithmIdentifier `asn1:"optional"`
	}
	var iv []byte
	if _, err := asn1.Unmarshal(der, &info); err != nil {
		return nil, fmt.Errorf("read the encrypted key: %w", err)
	}
	if !info.Algorithm.Algorithm.Equal(oidPBES2) {
		return nil, fmt.Errorf("the key is encrypted by %v, which is not known", info.Algorithm.Algorithm)
	}
	if _, err := asn1.Unmarshal(info.Algorithm.Parameters.FullBytes, &scheme); err != nil {
		return nil, fmt.Errorf("read how the key is encrypted: %w", err)
	}
	if !scheme.Derive.Algorithm.Equal(oidPBKDF2) {
		return nil, fmt.Errorf("the key's password is derived by %v, which is not known", scheme.Derive.Algorithm)
	}
	if _, err := asn1.Unmarshal(scheme.Derive.Parameters.FullBytes, &derive); err != nil {
		return nil, fmt.Errorf("read how the key's password is derived: %w", err)
	}
	if _, err := asn1.Unmarshal(scheme.Encrypt.Parameters.FullBytes, &iv); err != nil {
		return nil, fmt.Errorf("read how the key is encrypted: %w", err)
	}
	length, sum := keyLength(scheme.Encrypt.Algorithm.String()), hashOf(derive.Function.Algorithm.String())
	if length == 0 || sum == nil || derive.Iterations < 1 || derive.Iterations > maxIterations {
		return nil, errors.New("the key is encrypted in a way that is not known")
	}
	key, err := pbkdf2.Key(sum, password, derive.Salt, derive.Iterations, length)
	if err != nil {
		return nil, err
	}
	return decryptCBC(info.Data, key, iv)
}

func decryptCBC(data, key, iv []byte) ([]byte, error) {
	b, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	if len(data) == 0 || len(data)%aes.BlockSize != 0 || len(iv) != aes.BlockSize {
		return nil, errors.New("the encrypted key is damaged")
	}
	out := make([]byte, len(data))
	cipher.NewCBCDecrypter(b, iv).CryptBlocks(out, data)
	pad := int(out[len(out)-1])
	if pad < 1 || pad > aes.BlockSize {
		return nil, errors.New("the password of the key is wrong")
	}
	return out[:len(out)-pad], nil
}
