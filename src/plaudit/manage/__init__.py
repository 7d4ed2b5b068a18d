"""The ground of the console and the API: who may do what, and the operations that both of them and the commands use."""
