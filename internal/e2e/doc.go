// Package e2e holds the tests that do what people do. They start the real program beside the real sandbox, open its
// pages in a real browser, and press what a supervisor presses. It has nothing to import.
package e2e
