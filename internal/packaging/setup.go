package packaging

// SetupSteps are the first steps that a tenant takes, and which of them are done.
type SetupSteps struct {
	Connection bool // the credentials are set
	Lines      bool // there is a line
	People     bool // somebody may release
}

// Done says whether nothing is left to set up before orders can be released.
func (s SetupSteps) Done() bool { return s.Connection && s.Lines && s.People }
