// Package config reads the box's settings from one strict YAML file. It owns
// what can be set, the defaults that let a two-port box work without a file, and
// the words about every mistake, each with its line and column and all of them at
// once. It must not know what the settings do.
package config
