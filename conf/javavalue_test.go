package conf

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"testing"
)

func readLines(t *testing.T, path string) []string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var lines []string
	for s := bufio.NewScanner(f); s.Scan(); {
		lines = append(lines, s.Text())
	}
	return lines
}

// testdata/values/values.want was recorded from Java 17.
func TestKindsAsJava(t *testing.T) {
	texts, wants := readLines(t, "testdata/values/values.txt"), readLines(t, "testdata/values/values.want")
	if len(texts) != len(wants) || len(texts) < 60 {
		t.Fatalf("%d texts, %d results", len(texts), len(wants))
	}
	for i, text := range texts {
		columns := strings.Split(wants[i], "\t")
		for j, k := range []kind{fileInt, propInt, fileLong, propLong, propFloat, propBool} {
			v, ok := k.parse(text)
			got := "-"
			switch {
			case k == propBool:
				got = strconv.FormatBool(v.b)
			case ok && k == propFloat:
				want, err := strconv.ParseFloat(columns[j], 64)
				if err == nil && want == v.f {
					got = columns[j]
				}
			case ok:
				got = strconv.FormatInt(v.n, 10)
			}
			if got != columns[j] {
				t.Errorf("%s %q: got %s, want %s", k, text, got, columns[j])
			}
		}
	}
}

func TestFileBool(t *testing.T) {
	for text, want := range map[string]string{"true": "true", "TRUE": "true", "False": "false", "yes": "-", "": "-", "true ": "-"} {
		got := "-"
		if v, ok := fileBool.parse(text); ok {
			got = strconv.FormatBool(v.b)
		}
		if got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}
