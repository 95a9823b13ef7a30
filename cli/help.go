package cli

import "context"

func helpCommands() []*command {
	return []*command{{
		name: "help", usage: "[command]", help: "list the commands, or say what one does", offline: printHelp,
	}}
}

func printHelp(_ context.Context, s *Shell, words []string) error {
	if len(words) < 2 {
		s.p.println(s.usageText())
		return nil
	}
	cmd := s.find(words[1])
	if cmd == nil {
		return &commandError{"Command not found: Command not found " + words[1], exitNotFound}
	}
	s.p.println(cmd.name + " " + cmd.usage)
	if cmd.help != "" {
		s.p.println("    " + cmd.help)
	}
	s.p.printf("%s", cmd.options.describe())
	return nil
}
