package clear

func textConversations() []conversation   { return nil }
func mailConversations() []conversation   { return nil }
func binaryConversations() []conversation { return nil }
