package config

// minJWTSecret is the least length of the secret, in bytes: that of the hash
// (RFC 7518 §3.2).
const minJWTSecret = 32

// checkJWTSecret never shows the secret.
func checkJWTSecret(s string) *Problem {
	if p := checkToken(s); p != nil {
		return p
	}
	if s != "" && len(s) < minJWTSecret {
		return &Problem{What: "the secret is shorter than 32 characters", Remedy: "make one with: openssl rand -base64 48"}
	}
	return nil
}

// jwtKeys are the keys of which mode jwt needs exactly one.
var jwtKeys = []string{"auth.jwt_secret", "auth.jwt_key_file", "auth.jwt_jwks_file"}

// checkSubscribe reports a mode that nobody could subscribe in.
func (c *Config) checkSubscribe() *Problem {
	switch {
	case c.Auth.Subscribe == SubscribeJWT:
		return c.checkJWTKeys()
	case c.Auth.Subscribe == SubscribeToken && len(c.Auth.Subscriber) == 0:
		return &Problem{Key: "auth.subscribe", What: "token lets in who has one, and there is none",
			Remedy: "put the lines that 'adic token new NAME --subscriber' prints into the file"}
	}
	return nil
}

// checkJWTKeys reports mode jwt without a key for tokens, or with several.
func (c *Config) checkJWTKeys() *Problem {
	set := 0
	for _, value := range []string{c.Auth.JWTSecret, c.Auth.JWTKeyFile, c.Auth.JWTJWKSFile} {
		if value != "" {
			set++
		}
	}
	switch set {
	case 0:
		return &Problem{Key: "auth.subscribe", What: "jwt needs a key to verify tokens with", Remedy: "set " + oneOf(jwtKeys)}
	case 1:
		return nil
	}
	return &Problem{Key: "auth.subscribe", What: "jwt takes one source of keys, and there are several", Remedy: "keep one of " + oneOf(jwtKeys)}
}
