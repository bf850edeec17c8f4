"""How long a method trains and how much memory it takes: on random data of a true size, in units of this machine."""
