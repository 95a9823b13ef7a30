package recipes_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/go-zookeeper/zk"

	"github.com/meerkat-zk/meerkat/recipes"
	"github.com/meerkat-zk/meerkat/zktest"
)

// TestBackupLeads is the tutorial's exercise: a master and its backup.
func TestBackupLeads(t *testing.T) {
	t.Parallel()
	srv := zktest.Start(t)
	one, two := alone(srv).connect(t), alone(srv).connect(t)
	election := recipes.NewElection(two, "/master")
	if _, _, err := election.Leader(within(t)); !errors.Is(err, recipes.ErrNoLeader) {
		t.Errorf("before anybody stands: %v", err)
	}
	master := get[*recipes.Claim](t)(recipes.NewElection(one, "/master").Campaign(within(t), "one"))
	leads := make(chan *recipes.Claim, 1)
	go func() {
		claim, err := election.Campaign(within(t), "two")
		if err != nil {
			t.Error(err)
		}
		leads <- claim
	}()
	waiting(t, two, "/master", "latch-", 2)
	if got := get[[]string](t)(election.Candidates(within(t))); !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("candidates %q", got)
	}
	id, token, err := election.Leader(within(t))
	if id != "one" || token != master.Token() || err != nil {
		t.Errorf("leader %q with token 0x%x, %v", id, token, err)
	}
	srv.ExpireSession(session(t, one))
	backup := receive(t, "the backup leads", leads)
	if backup.Token() <= master.Token() {
		t.Errorf("token 0x%x after 0x%x", backup.Token(), master.Token())
	}
	ended(t, master.Context(), zk.ErrConnectionClosed)
	if err := master.Resume(within(t)); !errors.Is(err, zk.ErrSessionExpired) {
		t.Errorf("the old master: %v", err)
	}
	if id, _, err := election.Leader(within(t)); id != "two" || err != nil {
		t.Errorf("leader %q, %v", id, err)
	}
}

func TestElectionAtEachStep(t *testing.T) {
	t.Parallel()
	atEachStep(t, func(t *testing.T, under, other *recipes.Client) {
		first := get[*recipes.Claim](t)(recipes.NewElection(other, "/e").Campaign(within(t), "first"))
		leads := make(chan *recipes.Claim, 1)
		go func() {
			claim, err := recipes.NewElection(under, "/e").Campaign(within(t), "second")
			if err != nil {
				t.Error(err)
			}
			leads <- claim
		}()
		waiting(t, other, "/e", "latch-", 2)
		must(t, first.Release(within(t)))
		second := receive(t, "the second leads", leads)
		if ids := get[[]string](t)(recipes.NewElection(under, "/e").Candidates(within(t))); !slices.Equal(ids, []string{"second"}) {
			t.Errorf("candidates %q", ids)
		}
		if second.Token() <= first.Token() {
			t.Error("the token does not grow")
		}
		must(t, second.Release(within(t)))
		waiting(t, other, "/e", "latch-", 0)
	})
}

// TestLeaderInPartition cuts a leader's server off from its clients: it stops
// to lead before its session has expired and another one leads.
func TestLeaderInPartition(t *testing.T) {
	t.Parallel()
	e := zktest.StartEnsemble(t, 3)
	servers := e.Followers()
	// Short sessions: the library notices after two thirds of their timeout.
	hasty := func(addr string) *recipes.Client {
		c := recipes.New(func(events zk.EventCallback) (*zk.Conn, error) {
			conn, _, err := zk.Connect([]string{addr, addr}, shortSession, zk.WithEventCallback(events), zk.WithLogger(quiet{}))
			return conn, err
		})
		t.Cleanup(c.Close)
		return c
	}
	one := hasty(servers[0].Addr())
	two := fleet{[]string{servers[1].Addr()}}.connect(t)
	master := get[*recipes.Claim](t)(recipes.NewElection(one, "/master").Campaign(within(t), "one"))
	leads := make(chan *recipes.Claim, 1)
	go func() {
		claim, err := recipes.NewElection(two, "/master").Campaign(within(t), "two")
		if err != nil {
			t.Error(err)
		}
		leads <- claim
	}()
	waiting(t, two, "/master", "latch-", 2)
	servers[0].PartitionClients()
	select {
	case <-master.Context().Done():
	case <-leads:
		t.Error("there are two leaders")
	case <-within(t).Done():
		t.Fatal("nothing happens")
	}
	receive(t, "the other leads", leads)
	servers[0].HealClients()
	if err := master.Resume(within(t)); !errors.Is(err, zk.ErrSessionExpired) {
		t.Errorf("the old leader resumes: %v", err)
	}
}

// TestCampaignEnds gives up a candidacy.
func TestCampaignEnds(t *testing.T) {
	t.Parallel()
	srv := zktest.Start(t)
	one, two := alone(srv).connect(t), alone(srv).connect(t)
	master := get[*recipes.Claim](t)(recipes.NewElection(one, "/e").Campaign(within(t), "one"))
	ctx, cancel := context.WithCancel(context.Background())
	failed := make(chan error, 1)
	go func() {
		_, err := recipes.NewElection(two, "/e").Campaign(ctx, "two")
		failed <- err
	}()
	waiting(t, one, "/e", "latch-", 2)
	cancel()
	if err := receive(t, "the campaign ends", failed); !errors.Is(err, context.Canceled) {
		t.Errorf("Campaign = %v", err)
	}
	waiting(t, one, "/e", "latch-", 1)
	must(t, master.Release(within(t)))
}
