package cli

import (
	"context"
	"slices"
)

// command is one command of the shell.
type command struct {
	name, usage string
	help        string // one line; only for our own
	own         bool   // not one of Apache's
	options     optionSet
	describe    bool // the usage lists the options, too
	least       int  // arguments beside the name
	deprecated  string

	// offline is done first, connected or not, with the words as they are.
	offline func(ctx context.Context, s *Shell, words []string) error
	// always: run needs no session.
	always bool
	// run does the command on a session; nil for those that offline does.
	run func(ctx context.Context, s *Shell, p parsed) error
}

func (c *command) usageText() string {
	text := c.name + " " + c.usage
	if c.describe {
		text += "\n" + c.options.describe()
	}
	return text
}

// parse reads a command line. Commands that once took a second argument for
// -w still do.
func (c *command) parse(words []string, complain func(string)) (parsed, error) {
	p, err := c.options.parse(words)
	if err != nil {
		return p, err
	}
	if len(p.args)-1 < c.least {
		return p, failure("%s", c.usageText())
	}
	if c.deprecated != "" && len(p.args) > 2 {
		complain(c.deprecated)
		words = slices.Clone(words)
		words[2] = "-w"
		p, err = c.options.parse(words)
	}
	return p, err
}

func flags(names ...string) []option {
	var list []option
	for i := 0; i < len(names); i += 2 {
		list = append(list, option{name: names[i], text: names[i+1]})
	}
	return list
}

// valued are options with an argument.
func valued(names ...string) []option {
	list := flags(names...)
	for i := range list {
		list[i].arg = true
	}
	return list
}

func options(lists ...[]option) optionSet { return optionSet{list: slices.Concat(lists...)} }

// apacheCommands are those of zkCli.sh 3.9.5.
func apacheCommands() []*command {
	return slices.Concat(sessionCommands(), nodeCommands(), readCommands(), aclCommands(), watchCommands(), quotaCommands(), ensembleCommands())
}

// ownCommands are what Apache's shell lacks.
func ownCommands() []*command {
	list := slices.Concat(helpCommands(), searchCommands(), transferCommands())
	for _, c := range list {
		c.own = true
	}
	return list
}
