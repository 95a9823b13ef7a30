package jute_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/meerkat-zk/meerkat/jute"
)

func TestAppendString(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", "\x00\x00\x00\x00"},
		{"/a", "\x00\x00\x00\x02/a"},
		{"ä", "\x00\x00\x00\x02\xc3\xa4"},
		{"😀", "\x00\x00\x00\x06\xed\xa0\xbd\xed\xb8\x80"}, // two surrogates, as Java's writer
		{"a😀b", "\x00\x00\x00\x08a\xed\xa0\xbd\xed\xb8\x80b"},
	} {
		if got := jute.AppendString(nil, c.in); string(got) != c.want {
			t.Errorf("AppendString(%q) = %x, want %x", c.in, got, c.want)
		}
	}
}

// TestText holds what Java 17's String makes of the same bytes.
func TestText(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"plain ä €", "plain ä €"},
		{"\xED\xA0\xBD\xED\xB8\x80", "\uFFFD\uFFFD"},
		{"A\xFF\xFEB", "A\uFFFD\uFFFDB"},
		{"\xE2\x82A", "\uFFFDA"},
		{"\xF0\x9F\x98", "\uFFFD"},
		{"\xC0\x80", "\uFFFD\uFFFD"},
		{"\xF0ABC", "\uFFFDABC"},
		{"\xE0\x80\x80", "\uFFFD\uFFFD\uFFFD"},
	} {
		if got := jute.Text([]byte(c.in)); got != c.want {
			t.Errorf("Text(%x) = %+q, want %+q", c.in, got, c.want)
		}
	}
}

func TestDecoderErrorsStick(t *testing.T) {
	for _, c := range []struct {
		name string
		in   string
		read func(*jute.Decoder)
		want error
	}{
		{"int", "\x00\x00\x00", func(d *jute.Decoder) { d.Int() }, jute.ErrShort},
		{"long", "\x00\x00\x00\x00", func(d *jute.Decoder) { d.Long() }, jute.ErrShort},
		{"bool", "", func(d *jute.Decoder) { d.Bool() }, jute.ErrShort},
		{"buffer longer than input", "\x00\x00\x00\x05abc", func(d *jute.Decoder) { d.Buffer() }, jute.ErrShort},
		{"huge buffer", "\x7f\xff\xff\xffabc", func(d *jute.Decoder) { d.Buffer() }, jute.ErrShort},
		{"negative length", "\xff\xff\xff\xfeabc", func(d *jute.Decoder) { _ = d.String() }, jute.ErrLength},
		{"huge vector", "\x7f\xff\xff\xff\x00\x00\x00\x00", func(d *jute.Decoder) { d.Strings() }, jute.ErrShort},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := jute.NewDecoder([]byte(c.in))
			c.read(&d)
			if !errors.Is(d.Err(), c.want) {
				t.Fatalf("Err() = %v, want %v", d.Err(), c.want)
			}
			if got := d.Int(); got != 0 || !errors.Is(d.Err(), c.want) {
				t.Errorf("after the error: Int() = %d, Err() = %v", got, d.Err())
			}
		})
	}
}

func TestNullIsNotEmpty(t *testing.T) {
	null := jute.AppendBuffer(nil, nil)
	d := jute.NewDecoder(null)
	if got := d.Buffer(); got != nil || d.Err() != nil {
		t.Errorf("null buffer = %v, %v", got, d.Err())
	}
	empty := jute.AppendBuffer(nil, []byte{})
	d = jute.NewDecoder(empty)
	if got := d.Buffer(); got == nil || len(got) != 0 || d.Err() != nil {
		t.Errorf("empty buffer = %v, %v", got, d.Err())
	}
	d = jute.NewDecoder(null)
	if s, ok := d.NullableString(); ok || s != "" {
		t.Errorf("null string = %q, %v", s, ok)
	}
}

// TestNegativeCounts holds what Java's reader makes of them.
func TestNegativeCounts(t *testing.T) {
	for in, want := range map[string]bool{"\xff\xff\xff\xff": false, "\xff\xff\xff\xfe": true, "\x80\x00\x00\x00": true} {
		d := jute.NewDecoder([]byte(in))
		if v := d.Strings(); len(v) != 0 || (v != nil) != want || d.Err() != nil {
			t.Errorf("%x: %v, there: %v, %v", in, v, v != nil, d.Err())
		}
	}
}

func TestAliasDecoderShares(t *testing.T) {
	in := jute.AppendString(nil, "abc")
	d := jute.NewAliasDecoder(in)
	shared := d.String()
	d = jute.NewDecoder(in)
	copied := d.String()
	in[4] = 'X'
	if shared != "Xbc" || copied != "abc" {
		t.Errorf("shared %q, copied %q", shared, copied)
	}
}

func TestReader(t *testing.T) {
	long := strings.Repeat("x", 5000) // longer than the stream's buffer
	var b []byte
	b = jute.AppendInt(b, -7)
	b = jute.AppendLong(b, 1<<40)
	b = jute.AppendBool(b, true)
	b = jute.AppendByte(b, 9)
	b = jute.AppendBuffer(b, []byte{1, 2})
	b = jute.AppendBuffer(b, nil)
	b = jute.AppendString(b, "short")
	b = jute.AppendString(b, long)
	r := jute.NewReader(bufio.NewReaderSize(bytes.NewReader(b), 64), 1<<20)
	if r.Int() != -7 || r.Long() != 1<<40 || !r.Bool() || r.Byte() != 9 ||
		!bytes.Equal(r.Buffer(), []byte{1, 2}) || r.Buffer() != nil || r.String() != "short" || r.String() != long {
		t.Fatalf("a value differs; Err() = %v", r.Err())
	}
	if r.Int(); r.Err() != io.EOF {
		t.Errorf("at the end: %v, want io.EOF", r.Err())
	}
}

func TestReaderLimits(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     error
	}{
		{"over the limit", "\x00\x00\x01\x00", jute.ErrLength},
		{"negative", "\xff\xff\xff\xf0", jute.ErrLength},
		{"cut inside", "\x00\x00\x00\x04ab", io.ErrUnexpectedEOF},
		{"cut in the length", "\x00\x00", io.ErrUnexpectedEOF},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, read := range []func(*jute.Reader){
				func(r *jute.Reader) { r.Buffer() },
				func(r *jute.Reader) { _ = r.String() },
			} {
				r := jute.NewReader(bufio.NewReader(strings.NewReader(c.in)), 100)
				if read(r); !errors.Is(r.Err(), c.want) {
					t.Errorf("Err() = %v, want %v", r.Err(), c.want)
				}
			}
		})
	}
}

// FuzzDecoder reads arbitrary bytes by an arbitrary script: no panic, no
// allocation beyond the input, and Reader agrees with Decoder.
func FuzzDecoder(f *testing.F) {
	f.Add([]byte("bilzsv"), []byte{1, 0, 0, 0, 1})
	f.Add([]byte("sv"), jute.AppendStrings(jute.AppendString(nil, "x"), []string{"y", "z"}))
	f.Fuzz(func(t *testing.T, script, input []byte) {
		d := jute.NewDecoder(input)
		r := jute.NewReader(bufio.NewReader(bytes.NewReader(input)), len(input))
		for _, op := range script {
			switch op {
			case 'b':
				d.Bool()
				r.Bool()
			case 'i':
				d.Int()
				r.Int()
			case 'l':
				d.Long()
				r.Long()
			case 'z':
				if p, q := d.Buffer(), r.Buffer(); d.Err() == nil && !bytes.Equal(p, q) {
					t.Fatalf("Decoder read %x, Reader %x", p, q)
				}
			case 's':
				if p, q := d.String(), r.String(); d.Err() == nil && p != q {
					t.Fatalf("Decoder read %q, Reader %q", p, q)
				}
			case 'v':
				d.Strings()
				return
			}
			if (d.Err() == nil) != (r.Err() == nil) {
				t.Fatalf("Decoder %v, Reader %v", d.Err(), r.Err())
			}
		}
	})
}
