using Npgsql;

namespace Benchmarks.Server;

internal readonly record struct World(int Id, int RandomNumber);

/// <summary>A table of 10,000 rows, made by build/bench; a request reads one of them.</summary>
internal sealed class WorldTable(string connectionString) : IAsyncDisposable
{
    private const int Rows = 10_000;

    private readonly NpgsqlDataSource _source = NpgsqlDataSource.Create(connectionString);

    public async Task<World> AnyRowAsync()
    {
        await using var command = _source.CreateCommand("SELECT id, randomnumber FROM world WHERE id = $1");
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = Random.Shared.Next(1, Rows + 1) });
        await using var reader = await command.ExecuteReaderAsync();
        await reader.ReadAsync();
        return new World(reader.GetInt32(0), reader.GetInt32(1));
    }

    public ValueTask DisposeAsync() => _source.DisposeAsync();
}
