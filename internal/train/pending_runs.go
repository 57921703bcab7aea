package train

func NewestCheckpoint(string) (string, error)              { return "", nil }
func diagnose(_ Engine, _ string, code int) (string, string) { return exitWords(code), "" }
