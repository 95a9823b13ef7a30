package main

import (
	"strings"
)

// propertiesFirst rewrites a command line so that -Dkey=value and -D key=value
// are understood wherever Java's users write them: behind the verb server
// they are moved to the front, as separate words.
func propertiesFirst(args []string) []string {
	if len(args) < 2 || args[1] != "server" {
		return args
	}
	front := args[:2:2]
	var back []string
	for rest := args[2:]; len(rest) > 0; rest = rest[1:] {
		word := rest[0]
		switch definition, isProperty := strings.CutPrefix(word, "-D"); {
		case word == "--":
			return append(append(front, back...), rest...)
		case !isProperty:
			back = append(back, word)
		case definition != "":
			front = append(front, "-D", definition)
		case len(rest) > 1:
			front = append(front, "-D", rest[1])
			rest = rest[1:]
		default:
			back = append(back, word) // nothing follows: the parser complains
		}
	}
	return append(front, back...)
}

// systemProperties gathers what sets Java's system properties: the words
// -Dkey=value of SERVER_JVMFLAGS, then those of JVMFLAGS, as zkServer.sh joins
// them, then the definitions of the command line. The last one wins; one
// without = is empty.
func systemProperties(getenv func(string) string, definitions []string) map[string]string {
	props := map[string]string{}
	for _, word := range strings.Fields(getenv("SERVER_JVMFLAGS") + " " + getenv("JVMFLAGS")) {
		if definition, ok := strings.CutPrefix(word, "-D"); ok {
			define(props, definition)
		}
	}
	for _, definition := range definitions {
		define(props, definition)
	}
	return props
}

func define(props map[string]string, definition string) {
	if key, value, _ := strings.Cut(definition, "="); key != "" {
		props[key] = value
	}
}
