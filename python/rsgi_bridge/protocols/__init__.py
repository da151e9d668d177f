"""Re-export: uvicorn's package of protocols, which here are the core's."""
