"""A daemon under load: many clients at once, honest, killed, stalled and hostile, and what is left behind."""
