package datatree

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// The znodes that every tree has; none of them can be deleted.
const (
	rootPath   = "/"
	systemPath = "/zookeeper"
	quotaPath  = "/zookeeper/quota"
	configPath = "/zookeeper/config"
)

// systemSubtree begins the paths that the digest leaves out.
const systemSubtree = systemPath + "/"

// Reserved tells whether the path is one of the znodes that every tree has.
func Reserved(path string) bool {
	switch path {
	case rootPath, systemPath, quotaPath, configPath:
		return true
	}
	return false
}

// SplitPath cuts a path at its last slash. The parent of a child of the root
// is "", which [Tree.Lookup] takes for the root. A path without a slash has no
// parent, and ok is false.
func SplitPath(path string) (parent, name string, ok bool) {
	slash := strings.LastIndexByte(path, '/')
	if slash < 0 {
		return "", "", false
	}
	return path[:slash], path[slash+1:], true
}

// ValidatePath checks a path as Apache's PathUtils does: absolute, no empty
// and no relative component, no trailing slash, no control character, private
// or surrogate code point. The error has Apache's text; positions in it count
// UTF-16 units.
func ValidatePath(path string) error {
	switch {
	case path == "":
		return pathError("Path length must be > 0")
	case path[0] != '/':
		return pathError("Path must start with / character")
	case path == rootPath:
		return nil
	case path[len(path)-1] == '/':
		return pathError("Path must not end with / character")
	}
	unit := 1
	for i, r := range path[1:] {
		if ordinary := r > '/' && r < 0x7F; !ordinary { // nearly all of them are
			if reason := invalidAt(path, i+1, r); reason != "" {
				return pathError(fmt.Sprintf("Invalid path string \"%s\" caused by %s @%d", path, reason, unit))
			}
		}
		unit++
	}
	return nil
}

// pathError is the text of a broken path rule.
type pathError string

func (e pathError) Error() string { return string(e) }

// invalidAt says what is wrong with the character r at path[i], i > 0.
func invalidAt(path string, i int, r rune) string {
	last := path[i-1]
	switch {
	case r == 0:
		return "null character not allowed"
	case r == '/' && last == '/':
		return "empty node name specified"
	case r == '.' && last == '.':
		if path[i-2] == '/' && endsComponent(path, i+1) {
			return "relative paths not allowed"
		}
	case r == '.':
		if last == '/' && endsComponent(path, i+1) {
			return "relative paths not allowed"
		}
	case forbidden(r):
		return "invalid character"
	}
	return ""
}

func endsComponent(path string, i int) bool { return i == len(path) || path[i] == '/' }

// forbidden covers control characters, surrogates, the private use area and
// the specials. A character above U+FFFF is two surrogates to Apache, and
// bytes that are not UTF-8 read as U+FFFD, which is a special.
func forbidden(r rune) bool {
	return r <= 0x1F || r >= 0x7F && r <= 0x9F || r >= 0xD800 && r <= 0xF8FF || r >= 0xFFF0
}

// utf16Len returns how many UTF-16 units a path takes, which is what Apache
// counts as its size.
func utf16Len(path string) int64 {
	n := 0
	for i := 0; i < len(path); i++ {
		if path[i] >= utf8.RuneSelf {
			return utf16LenSlow(path)
		}
		n++
	}
	return int64(n)
}

func utf16LenSlow(path string) int64 {
	n := int64(0)
	for _, r := range path {
		n++
		if r > 0xFFFF {
			n++
		}
	}
	return n
}
