package repotest

import (
	"go/ast"
	"reflect"
	"strings"
	"testing"

	"github.com/meerkat-zk/meerkat/conf"
)

// A setting that is accepted must do something: every field of the
// configuration is read outside of package conf. A field counts as read where
// its name is selected in a file that also selects its group, or names the
// group's type.
func TestEverySettingIsRead(t *testing.T) {
	read := map[string]bool{} // Group.Field
	groups := settings()
	for _, s := range sources(t) {
		if s.isTest() || s.pkg() == "conf" || !strings.HasPrefix(s.pkg(), "server") && !strings.HasPrefix(s.pkg(), "cmd") {
			continue
		}
		selected := map[string]bool{}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				selected[sel.Sel.Name] = true
			}
			return true
		})
		for group, fields := range groups {
			for _, field := range fields {
				if selected[group] && (selected[field] || selected[through[field]]) {
					read[group+"."+field] = true
				}
			}
		}
	}
	for group, fields := range groups {
		for _, field := range fields {
			name := group + "." + field
			switch {
			case !read[name] && !unread[name]:
				t.Errorf("conf.Config.%s is set by a key and read by nobody", name)
			case read[name] && unread[name]:
				t.Errorf("conf.Config.%s is read now: it must leave the list of this test", name)
			}
		}
	}
}

// unread lists the settings whose reader is still to be written. It must be
// empty in a release.
var unread = map[string]bool{}

// through names the methods that read a field for others.
var through = map[string]string{"MinTimeoutMs": "Clamp", "MaxTimeoutMs": "Clamp", "Words": "Allows"}

// settings lists the fields of the groups of conf.Config.
func settings() map[string][]string {
	groups := map[string][]string{}
	config := reflect.TypeFor[conf.Config]()
	for i := range config.NumField() {
		group := config.Field(i)
		if group.Type.Kind() != reflect.Struct {
			continue
		}
		for j := range group.Type.NumField() {
			if f := group.Type.Field(j); f.IsExported() {
				groups[group.Name] = append(groups[group.Name], f.Name)
			}
		}
	}
	return groups
}
