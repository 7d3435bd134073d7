"""The values of single expressions; its modules run in a child process only."""
