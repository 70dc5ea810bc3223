// Package plan is what a run does with a device beyond watching it: the steps of a
// plan in their order, each on one network with one experiment, and the runner that
// carries them through.
//
// It owns the meaning of the plan files, the order of steps, when the device is made
// to start afresh, what pausing, skipping and aborting mean, and the notes that say
// when a step begins and how it ends. It must not know how a network is offered, how
// an experiment is done (both are injected), nor what a verdict is.
//
// A plan file is YAML:
//
//	id: quick
//	title: Three minutes for a device that cooperates
//	steps:
//	  - network: N2          # of CATALOGUE: N1 IPv4 only, N2 dual stack, N3 IPv6 only, ...
//	    experiment: tls      # one of Experiments
//	    at_most: 2m          # the step is aborted then; the plan goes on
//	    fresh: step          # never, step (once, at its begin) or round (each round of the experiment)
//	    repeat: 2            # the whole step, again
//	    stop: settled        # of observe: when nothing new has happened for a while
//	    cases: [unknown-ca]  # of tls
//	    attempts: 10         # of tls: in a row, for each destination
//	    pairs: 3             # of dnssec and dns
//	    names: 2             # of dnssec and dns
//	    arms: [flipped]      # of dnssec and dns
//	    window: 10s          # of observe, dnssec and dns: how long a reaction is waited for
//	    ports: common        # of probe: common or all
package plan
