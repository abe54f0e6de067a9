package packaging

// Author is a person as of an action: later changes of name or role do not change what was recorded.
type Author struct {
	ID       UserID
	Username string
	FullName string
	Role     Role
	Station  string // name of the station that they were at, empty elsewhere
}

// ProvisioningFile is who set something up, as the history has it, where a provisioning file did.
const ProvisioningFile = "Provisioning file"
