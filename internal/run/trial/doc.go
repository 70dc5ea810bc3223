// Package trial carries out the experiments of a plan with one device under test. It
// joins what the gateway can do (another network, faulty answers, a stand-in for a
// server, questions to the device and about its servers) with the device: it makes it
// start afresh, waits for what it does, and knows when there is nothing more to come.
//
// It owns how an experiment is paced. It must not know how a fault is made, in which
// order the steps of a plan follow, nor what the outcome means for a verdict: what
// happened is in the notes of the gateway's packages and in the packets.
package trial
