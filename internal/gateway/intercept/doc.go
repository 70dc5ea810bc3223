// Package intercept stands in for a TLS server with one chosen, noted flaw; every
// other connection it splices through untouched.
//
// It owns how a flawed server is made, when a connection counts as accepted, in which
// order the flaws are tried at a destination (Campaign), and the notes that say what
// was done with each connection. It must not know plans, rules, which ports are
// redirected to it, nor what an acceptance means for a verdict.
//
// Accepted is more than a finished handshake: the client's Finished was verified and
// at least one byte of its application data was decrypted. A client may check names
// after the handshake and close; that is Completed.
//
// What is presented: the kind of key that the genuine server has, where the client
// can use it, else the one it can use; the application protocol that the genuine
// server chooses; a chain of the genuine one's size class. A leaf is minted anew for
// each connection, its key is made once in the life of an Interceptor.
//
// A client that cannot be given a TLS 1.0 or 1.1 ServerHello by the standard is
// given one against it, with a certificate that nobody trusts: an alert about the
// version refuses it, one about the certificate shows that the version was taken.
package intercept
