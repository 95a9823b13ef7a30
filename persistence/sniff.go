package persistence

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// Decompressed reads a snapshot whose compression only its first bytes tell,
// as the plain snapshot.
func Decompressed(src io.Reader) (io.Reader, error) {
	buffered := bufio.NewReaderSize(src, readBufBytes)
	head, err := buffered.Peek(len(snappyMagic))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		return decompress(buffered, CompressGzip)
	case string(head) == snappyMagic:
		return decompress(buffered, CompressSnappy)
	}
	return buffered, nil
}
