package client

import (
	"strings"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// permissions are the letters of an ACL, in the order in which Apache's tools
// print them.
var permissions = []struct {
	letter rune
	bit    int32
}{{'c', proto.PermCreate}, {'d', proto.PermDelete}, {'r', proto.PermRead}, {'w', proto.PermWrite}, {'a', proto.PermAdmin}}

// PermText writes permissions as letters: cdrwa is all of them.
func PermText(perms int32) string {
	var b strings.Builder
	for _, p := range permissions {
		if perms&p.bit != 0 {
			b.WriteRune(p.letter)
		}
	}
	return b.String()
}

// ParsePerms reads letters, and returns those that mean nothing.
func ParsePerms(text string) (perms int32, unknown []rune) {
	for _, letter := range text {
		bit := int32(0)
		for _, p := range permissions {
			if p.letter == letter {
				bit = p.bit
			}
		}
		if perms |= bit; bit == 0 {
			unknown = append(unknown, letter)
		}
	}
	return perms, unknown
}
