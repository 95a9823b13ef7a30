package main

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestPropertiesFirst(t *testing.T) {
	for _, test := range []struct{ args, want string }{
		{"meerkat", "meerkat"},
		{"meerkat server", "meerkat server"},
		{"meerkat server zoo.cfg", "meerkat server zoo.cfg"},
		{"meerkat server -Da=b zoo.cfg", "meerkat server -D a=b zoo.cfg"},
		{"meerkat server -D a=b zoo.cfg", "meerkat server -D a=b zoo.cfg"},
		{"meerkat server zoo.cfg -Da=b -D c=d,e", "meerkat server -D a=b -D c=d,e zoo.cfg"},
		{"meerkat server --log-level warn zoo.cfg -Da", "meerkat server -D a --log-level warn zoo.cfg"},
		{"meerkat server zoo.cfg -D", "meerkat server zoo.cfg -D"},
		{"meerkat server -Da=b -- -Dfile", "meerkat server -D a=b -- -Dfile"},
		{"meerkat bench -Da=b", "meerkat bench -Da=b"},
	} {
		args := strings.Split(test.args, " ")
		before := slices.Clone(args)
		if got := strings.Join(propertiesFirst(args), " "); got != test.want {
			t.Errorf("%s: got %s, want %s", test.args, got, test.want)
		}
		if !slices.Equal(args, before) {
			t.Errorf("%s: the arguments were changed to %q", test.args, args)
		}
	}
}

func TestSystemProperties(t *testing.T) {
	env := map[string]string{
		"SERVER_JVMFLAGS": "-Xmx1g -Da=server -Db=server",
		"JVMFLAGS":        "  -Da=jvm -ea -Dc=x=y\t-Dempty= -Dbare -D -D=z -Dd=jvm ",
	}
	got := systemProperties(func(name string) string { return env[name] }, []string{"d=line,1", "e=", "d2"})
	want := map[string]string{
		"a": "jvm", "b": "server", "c": "x=y", "empty": "", "bare": "", "d": "line,1", "e": "", "d2": "",
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
