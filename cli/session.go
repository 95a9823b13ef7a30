package cli

import (
	"context"
	"errors"
	"strconv"
)

func sessionCommands() []*command {
	return []*command{
		{name: "quit", offline: func(context.Context, *Shell, []string) error { return errQuit }},
		{name: "redo", usage: "cmdno", offline: redo},
		{name: "history", offline: printHistory},
		{name: "printwatches", usage: "on|off", offline: printWatches},
		{name: "connect", usage: "host:port", offline: reconnect},
		{name: "close", run: func(_ context.Context, s *Shell, _ parsed) error {
			s.zk.Close()
			return nil
		}},
		{name: "addauth", usage: "scheme auth", least: 1, run: addAuth},
		{name: "whoami", run: whoAmI},
		{name: "version", run: version},
	}
}

// redo repeats a line of the history, and takes its place there.
func redo(ctx context.Context, s *Shell, words []string) error {
	if len(words) < 2 {
		return nil
	}
	i, err := strconv.ParseInt(words[1], 0, 32)
	if err != nil {
		return failure("For input string: %q", words[1])
	}
	now := int64(len(s.history)) - 1
	if i < 0 || i >= now {
		return failure("Command index out of range")
	}
	again := splitWords(s.history[i])
	if len(again) > 0 && again[0] == "redo" {
		return failure("No redoing redos")
	}
	s.history[now] = s.history[i]
	if err := s.run(ctx, again); errors.Is(err, errQuit) {
		return err
	} else if err != nil {
		s.report(err)
	}
	return nil
}

// historyShown is how many lines before its own history prints.
const historyShown = 10

func printHistory(_ context.Context, s *Shell, _ []string) error {
	now := len(s.history) - 1
	for i := max(0, now-historyShown); i <= now; i++ {
		s.p.println(strconv.Itoa(i) + " - " + s.history[i])
	}
	return nil
}

func printWatches(_ context.Context, s *Shell, words []string) error {
	if len(words) > 1 {
		s.p.mu.Lock()
		defer s.p.mu.Unlock()
		s.noEvents = words[1] != "on"
		return nil
	}
	state := "on"
	if s.eventsAreOff() {
		state = "off"
	}
	s.p.println("printwatches is " + state)
	return nil
}

func reconnect(ctx context.Context, s *Shell, words []string) error {
	servers := s.servers
	if len(words) > 1 {
		servers = words[1]
	}
	if err := s.connect(ctx, servers); err != nil {
		return err
	}
	if err := s.zk.Connect(ctx); err != nil && s.zk.State().Alive() {
		return failure("%v", err) // and it goes on trying
	}
	return nil
}

func addAuth(ctx context.Context, s *Shell, p parsed) error {
	var data []byte
	if len(p.args) > 2 {
		data = []byte(p.args[2])
	}
	return s.zk.AddAuth(ctx, p.args[1], data)
}

func whoAmI(ctx context.Context, s *Shell, _ parsed) error {
	ids, err := s.zk.WhoAmI(ctx)
	if err != nil {
		return err
	}
	type user struct {
		Scheme string `json:"scheme"`
		User   string `json:"user"`
	}
	users := make([]user, len(ids))
	for i, id := range ids {
		users[i] = user{id.Scheme, id.ID}
	}
	s.answer(users, func() {
		s.p.println("Auth scheme: User")
		for _, u := range users {
			s.p.println(u.Scheme + ": " + u.User)
		}
	})
	return nil
}

func version(_ context.Context, s *Shell, p parsed) error {
	if len(p.args) > 1 {
		return failure("version ")
	}
	s.answer(map[string]string{"version": s.cfg.Version}, func() { s.p.println("ZooKeeper CLI version: " + s.cfg.Version) })
	return nil
}
