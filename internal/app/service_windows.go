package app

import (
	"fmt"
	"os"
	"path/filepath"

	manager "github.com/kardianos/service"
	"golang.org/x/sys/windows"
)

// serviceUser is who the service runs as: an account without a password, and with few rights.
const serviceUser = `NT AUTHORITY\LocalService`

// privateTo lets the system, administrators and the service use a folder and what is in it, and nobody else.
const privateTo = "D:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;LS)"

// serviceFolder returns the folder of the settings and of the data.
func serviceFolder(p run) string { return filepath.Join(p.Getenv("ProgramData"), "Lineboard") }

// Run installs, removes, starts or stops the service. It needs the rights of an administrator.
func (s service) Run(p run) error {
	settings := filepath.Join(serviceFolder(p), "lineboard.yaml")
	if s.Action == "install" {
		if err := prepareFolder(serviceFolder(p), settings); err != nil {
			return err
		}
	}
	service, err := manager.New(adapter{}, serviceConfig(settings))
	if err != nil {
		return err
	}
	action := map[string]string{"remove": "uninstall"}[s.Action]
	if action == "" {
		action = s.Action
	}
	if err := manager.Control(service, action); err != nil {
		return fmt.Errorf("lineboard service %s: %w", s.Action, err)
	}
	if s.Action == "install" {
		fmt.Fprintf(p.Stdout, "Installed. Its settings are in %s; start it with: lineboard service start\n", settings)
	}
	return nil
}

// serviceConfig describes the service to the manager.
func serviceConfig(settings string) *manager.Config {
	return &manager.Config{
		Name:        "lineboard",
		DisplayName: "Lineboard",
		Description: "A dashboard for serialised packaging lines",
		UserName:    serviceUser,
		Arguments:   []string{"serve", "--config", settings},
		Option: manager.KeyValue{
			manager.OnFailure: manager.OnFailureRestart, manager.OnFailureDelayDuration: "2s", "DelayedAutoStart": true,
		},
	}
}

// prepareFolder makes the folder for the service alone, and writes the settings if there are none.
func prepareFolder(folder, settings string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	descriptor, err := windows.SecurityDescriptorFromString(privateTo)
	if err != nil {
		return err
	}
	list, _, err := descriptor.DACL()
	if err != nil {
		return err
	}
	if err := windows.SetNamedSecurityInfo(folder, windows.SE_FILE_OBJECT,
		windows.DACL_SECURITY_INFORMATION|windows.PROTECTED_DACL_SECURITY_INFORMATION, nil, nil, list,
		nil); err != nil {
		return fmt.Errorf("others can't be kept out of %s: %w", folder, err)
	}
	file, err := os.OpenFile(settings, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if os.IsExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // the write says what is wrong
	_, err = file.WriteString(firstSettings(filepath.Join(folder, "data")))
	return err
}

// asService runs a command; under the service manager until that stops it, with its output in the event log.
func asService(p run, command func(run) error) error {
	if manager.Interactive() {
		return command(p)
	}
	a := adapter{&managed{command: command, process: p}}
	service, err := manager.New(a, serviceConfig(""))
	if err != nil {
		return err
	}
	events, err := service.Logger(nil)
	if err != nil {
		return err
	}
	log := eventLog{
		failure:     func(line string) error { return events.Error(line) },
		warning:     func(line string) error { return events.Warning(line) },
		information: func(line string) error { return events.Info(line) },
	}
	a.process.Stdout, a.process.Stderr = log, log
	a.failed = func(err error) {
		_ = events.Error(fmt.Sprintf("lineboard: ended with %v", err)) // there is nobody else to hear it
		os.Exit(1)                                                     // so that the manager starts it again
	}
	return service.Run()
}

// adapter is a managed command as the library of services wants it.
type adapter struct{ *managed }

// Start begins the command.
func (a adapter) Start(manager.Service) error {
	a.begin()
	return nil
}

// Stop ends the command.
func (a adapter) Stop(manager.Service) error { return a.end() }
