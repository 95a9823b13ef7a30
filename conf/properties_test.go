package conf

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"
)

// quoteJava writes a string as testdata/properties/Dump.java does.
func quoteJava(s string) string {
	var b strings.Builder
	for _, c := range utf16.Encode([]rune(s)) {
		if c > 32 && c < 127 && c != '=' && c != '\\' {
			b.WriteByte(byte(c))
		} else {
			fmt.Fprintf(&b, `\u%04x`, c)
		}
	}
	return b.String()
}

// The files named .want were recorded from java.util.Properties of Java 17.
func TestParsePropertiesAsJava(t *testing.T) {
	files, err := filepath.Glob("testdata/properties/*.properties")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files, error %v: the corpus is missing", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			want, err := os.ReadFile(strings.TrimSuffix(file, ".properties") + ".want")
			if err != nil {
				t.Fatal(err)
			}
			if got := dump(data); got != string(want) {
				t.Errorf("got\n%swant\n%s", got, want)
			}
		})
	}
}

func dump(data []byte) string {
	props, err := ParseProperties(data)
	if err != nil {
		return "error\n"
	}
	last := map[string]string{}
	for _, p := range props {
		last[quoteJava(p.Key)] = quoteJava(p.Value)
	}
	lines := make([]string, 0, len(last))
	for k, v := range last {
		lines = append(lines, k+"="+v+"\n")
	}
	slices.SortFunc(lines, func(a, b string) int {
		ka, _, _ := strings.Cut(a, "=")
		kb, _, _ := strings.Cut(b, "=")
		return strings.Compare(ka, kb)
	})
	return strings.Join(lines, "")
}

func TestParsePropertiesLines(t *testing.T) {
	props, err := ParseProperties([]byte("# one\na=1\r\n\r\nb=\\\n  2\n\\\nc=3\rd=4"))
	if err != nil {
		t.Fatal(err)
	}
	want := []Property{{"a", "1", 2}, {"b", "2", 4}, {"c", "3", 7}, {"d", "4", 8}}
	if !slices.Equal(props, want) {
		t.Errorf("got %v, want %v", props, want)
	}
	_, err = ParseProperties([]byte("a=1\n\nb=\\u00zz\n"))
	if !errors.Is(err, ErrEscape) || !strings.Contains(err.Error(), "line 3") {
		t.Errorf("error %v", err)
	}
}

// escape writes a string so that it is read back as it is.
func escape(s string) string {
	var b strings.Builder
	for _, c := range utf16.Encode([]rune(s)) {
		fmt.Fprintf(&b, `\u%04X`, c)
	}
	return b.String()
}

func FuzzParseProperties(f *testing.F) {
	files, _ := filepath.Glob("testdata/properties/*.properties")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		props, err := ParseProperties(data)
		if err != nil && !errors.Is(err, ErrEscape) {
			t.Fatal(err)
		}
		line, again := 0, ""
		for _, p := range props {
			if p.Line <= line || p.Line > len(data)+1 {
				t.Fatalf("line %d after line %d", p.Line, line)
			}
			if !utf8.ValidString(p.Key) || !utf8.ValidString(p.Value) {
				t.Fatalf("not text: %q=%q", p.Key, p.Value)
			}
			line = p.Line
			again += escape(p.Key) + "=" + escape(p.Value) + "\n"
		}
		// What was read and is written again is read as the same.
		reread, err := ParseProperties([]byte(again))
		if err != nil || len(reread) != len(props) {
			t.Fatalf("%d properties and error %v from %q, want %d", len(reread), err, again, len(props))
		}
		for i, p := range reread {
			if p.Key != props[i].Key || p.Value != props[i].Value {
				t.Fatalf("got %q=%q, want %q=%q", p.Key, p.Value, props[i].Key, props[i].Value)
			}
		}
	})
}
