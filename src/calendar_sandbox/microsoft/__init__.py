"""The Microsoft stand-in: accounts, sign-in and Microsoft Graph v1.0, after Microsoft's public reference."""
