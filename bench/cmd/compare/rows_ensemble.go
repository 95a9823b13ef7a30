package main

import "github.com/meerkat-zk/meerkat/bench"

// ensembleRows are measured on three servers, in this order: what leaves
// much behind comes last.
var ensembleRows = []row{
	{key: "ens-set-1x1", title: "setData, 1 × 1", stage: ensembleStage,
		load:  load(bench.Write, 1, 1),
		goals: map[measure]goal{opsPerSec: {atLeast: 1.5}, p99Micros: below}},
	{key: "ens-set-16x16", title: "setData, 16 × 16", stage: ensembleStage,
		load:  load(bench.Write, 16, 16),
		goals: map[measure]goal{opsPerSec: {atLeast: 4}, cpuPer100: {limit: 1.8}, p99Micros: below}},
	{key: "ens-set-128x100", title: "setData, 128 × 100", stage: ensembleStage,
		load:  load(bench.Write, 128, 100),
		goals: map[measure]goal{opsPerSec: {}, p99Micros: below}},
	{key: "ens-get-16x16", title: "getData, 16 × 16", stage: ensembleStage,
		load:  load(bench.Read, 16, 16),
		goals: map[measure]goal{opsPerSec: {atLeast: 5}, p99Micros: below}},
	{key: "ens-expiry", title: "%s sessions with 10 ephemerals each die", stage: ensembleStage,
		load:  load(bench.Expiry, 1_000, 10),
		goals: map[measure]goal{goneMs: below}},
	{key: "ens-failover", title: "kill -9 of the leader", stage: ensembleStage,
		goals: map[measure]goal{failoverMs: {atMost: 1.0 / 3, limit: 150}}},
	{key: "ens-handover", title: "SIGTERM of the leader", stage: ensembleStage,
		goals: map[measure]goal{pauseMs: {limit: 100}}},
	{key: "ens-slow", title: "setData, 16 × 16", stage: ensembleStage,
		goals: map[measure]goal{slowdown: {limit: 10}}},
	{key: "ens-rejoin", title: "a follower comes back %s transactions behind", stage: ensembleStage,
		goals: map[measure]goal{rejoinMs: {atMost: 0.5}}},
}
