using KestrelGreenTransport.Tool;

return GreenCommandLine.Invoke(args, ToolHost.Current());
