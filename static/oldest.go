package static

// Oldest are the oldest versions of the browsers that have what pages need (browsers_test.go). Edge and Android WebView
// are as Chrome, and iPadOS is as Safari.
var Oldest = struct{ Chrome, Safari, Firefox string }{"99", "15.4", "97"}
