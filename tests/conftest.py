"""What all tests share."""

import signal

# A shell that starts the tests in the background makes them ignore Ctrl-C, and their children with them;
# the tests of Ctrl-C need it as a user has it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
