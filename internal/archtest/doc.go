// Package archtest keeps the walls of the house standing: who may import whom,
// what each package must say of itself, and how large a file or a function may
// grow. It holds only tests; a failure prints the wall and the reason for it.
// It must not know what any package does.
package archtest
