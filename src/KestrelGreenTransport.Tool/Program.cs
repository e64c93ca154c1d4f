using KestrelGreenTransport.Tool;
using KestrelGreenTransport.Tool.CommandLine;

return GreenCommandLine.Invoke(args, ToolHost.Current());
