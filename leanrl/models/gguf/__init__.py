"""GGUF: a merged model exported for llama.cpp and Ollama."""
