namespace KestrelGreenTransport.Supervisor;

/// <summary>Turns an app into a supervisor of itself.</summary>
public static class GreenSupervisor
{
}
