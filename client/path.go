package client

import (
	"fmt"
	"strings"
	"unicode/utf16"
)

// PathError says what is wrong with a path, in the words of Apache's client.
type PathError string

// Error returns the words.
func (e PathError) Error() string { return string(e) }

// ValidatePath checks a path as Apache's client does before it asks a server
// (PathUtils.validatePath). A path that is to get a sequence number may end
// with a slash.
func ValidatePath(path string, sequential bool) error {
	if sequential {
		path += "1"
	}
	switch {
	case path == "":
		return PathError("Path length must be > 0")
	case path[0] != '/':
		return PathError("Path must start with / character")
	case path == "/":
		return nil
	case strings.HasSuffix(path, "/"):
		return PathError("Path must not end with / character")
	}
	if reason := invalidPart(utf16.Encode([]rune(path))); reason != "" {
		return PathError(fmt.Sprintf("Invalid path string %q caused by %s", quotable(path), reason))
	}
	return nil
}

// quotable keeps %q from escaping what Java prints as it is.
type quotable string

// Format writes the text between plain quotes.
func (q quotable) Format(s fmt.State, _ rune) { fmt.Fprintf(s, `"%s"`, string(q)) }

// invalidPart finds the first unit that is not allowed; positions count
// UTF-16 units.
func invalidPart(units []uint16) string {
	at := func(i int) uint16 {
		if i < len(units) {
			return units[i]
		}
		return '/' // the end of the path ends a name, too
	}
	for i := 1; i < len(units); i++ {
		c, last := units[i], units[i-1]
		switch {
		case c == 0:
			return fmt.Sprintf("null character not allowed @%d", i)
		case c == '/' && last == '/':
			return fmt.Sprintf("empty node name specified @%d", i)
		case c == '.' && last == '.' && i >= 2 && units[i-2] == '/' && at(i+1) == '/',
			c == '.' && last == '/' && at(i+1) == '/':
			return fmt.Sprintf("relative paths not allowed @%d", i)
		case c <= 0x1f, c >= 0x7f && c <= 0x9f, c >= 0xd800 && c <= 0xf8ff, c >= 0xfff0:
			return fmt.Sprintf("invalid character @%d", i)
		}
	}
	return ""
}

// Join appends a child's name to a path.
func Join(parent, name string) string {
	if parent == "/" {
		return "/" + name
	}
	return parent + "/" + name
}

// Parent is the path above; that of the root is the root.
func Parent(path string) string {
	if i := strings.LastIndexByte(path, '/'); i > 0 {
		return path[:i]
	}
	return "/"
}
