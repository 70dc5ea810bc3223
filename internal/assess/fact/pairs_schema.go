package fact

func pairSchema() []Decl {
	out := []Decl{
		{"pairs.unbacked", Int, "rounds in which the box says it changed answers that the log does not hold; those answers do not count"},
		{"pairs.beyond_limit", Int, "rounds beyond those that are kept"},
		{"pairs.expired_replayed", Int, "rounds in which a genuine signature that had ended was served; other rounds of that arm had the times of a genuine one changed"},
		{"pairs.arms_untried", List, "kinds of damage that the device met in no answer: flipped, dsdenial, stripped, wrongkey, expired"},
		{"pairs.control_worked", Int, "control rounds in which the device opened a conversation to an address that the genuine answer told, and no other name's answer did"},
		{"pairs.control_failed", Int, "control rounds in which the device got the genuine answer and opened none, within at least 3 s"},
		{"pairs.control_failed_signed", Int, "of pairs.control_failed, those with an answer that the box had validated as secure"},
		{"pairs.control_signed", Int, "of pairs.control_worked, those with an answer that the box had validated as secure"},
		{"pairs.control_new_key", Int, "of pairs.control_signed, those since 2026-10-11, when the root zone is signed with key 38696"},
	}
	for _, v := range pairVerdicts() {
		out = append(out, Decl{"pairs.arms_" + v.key, List, "kinds of damage with which the worst of the names is one " + v.doc})
	}
	out = append(out, standingDecls("pairs.", "the bit or the proof of unsignedness (flipped, dsdenial) damaged")...)
	for _, a := range pairArms() {
		out = append(out, standingDecls("pairs."+a.word+"_", a.what)...)
	}
	for _, part := range [][]Decl{oddDecls(), alarmDecls(), backoffDecls(), strayDecls()} {
		out = append(out, part...)
	}
	return out
}

func standingDecls(prefix, what string) []Decl {
	out := []Decl{
		{prefix + "tried", Int, "names for which the device got an answer with " + what},
		{prefix + "agreeing", Int, "pairs that show a refusal of it: a conversation after the genuine answer, none after the damaged one"},
	}
	for _, v := range pairVerdicts() {
		out = append(out,
			Decl{prefix + v.key, Int, "of " + prefix + "tried, names " + v.doc},
			Decl{prefix + v.key + "_names", List, "these names, with what there is to say"})
	}
	return out
}
