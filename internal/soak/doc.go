// Package soak holds the tests that a release is never lost, never doubled and never lied about. One kills the real
// program (SIGKILL) again and again while it releases orders, and then compares what the remote side carried out, what
// the database says and what the history says. Its lists go to destinations of each kind: each list is taken, under one
// id and with the same bytes each time. Its alarms are mailed: none is lost, and one that comes again has its
// Message-ID. Another test takes its data folder away, or restores an older backup under newer anchors, and checks that
// each release that is lost is named. The third runs random sequences of what people, the remote side and the network
// can do, and checks after each step what must hold. It has nothing to import.
//
// SIGKILL takes the process, not the machine: what the program handed to the operating system survives it. That a
// commit also survives a loss of power rests on SQLite's synchronous=FULL, which no test here can show.
//
// In the environment: SOAK_KILLS is how often the program is killed (8), SOAK_RESTORES how often its data is lost (2).
// SOAK_SEED replays a run by the seed that it printed. SOAK_CHECKS and SOAK_STEPS are how many sequences the model test
// runs and how long they are on average. `make test` has fewer of each.
package soak
