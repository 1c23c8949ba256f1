// The test server of scripts/mongodb.sh: mongo-java-server in memory, on loopback. Prints `PORT n` when it accepts connections. Run from
// source by Java 17 or newer: java -cp 'lib/*' MongoServer.java PORT (0: a free one). What it does beyond the library, each because a
// test against the library alone would prove nothing (see README.md):
// - `hello` is answered, with a wire version that current drivers accept;
// - an answer holds copies: the library sends the stored documents themselves, which another connection changes while they are sent;
// - change streams tell every change (the library's leave out findAndModify), name the document, and wait for the next one.
import de.bwaldvogel.mongo.MongoBackend;
import de.bwaldvogel.mongo.MongoDatabase;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.AbstractCursor;
import de.bwaldvogel.mongo.backend.ArrayFilters;
import de.bwaldvogel.mongo.backend.CollectionOptions;
import de.bwaldvogel.mongo.backend.Cursor;
import de.bwaldvogel.mongo.backend.CursorRegistry;
import de.bwaldvogel.mongo.backend.QueryResult;
import de.bwaldvogel.mongo.backend.aggregation.Aggregation;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import de.bwaldvogel.mongo.backend.memory.MemoryCollection;
import de.bwaldvogel.mongo.backend.memory.MemoryDatabase;
import de.bwaldvogel.mongo.bson.BsonTimestamp;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.exception.MongoServerError;
import de.bwaldvogel.mongo.exception.MongoServerException;
import de.bwaldvogel.mongo.oplog.Oplog;
import io.netty.channel.Channel;
import java.net.InetSocketAddress;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

public class MongoServer {
  // A waiting change stream keeps its connection's thread, so every connection should have one of its own.
  private static final int THREADS = 1024;

  public static void main(String[] arguments) {
    System.setProperty("slf4j.internal.verbosity", "ERROR");
    var server = new de.bwaldvogel.mongo.MongoServer(new Backend());
    server.enableOplog();
    server.bind(new InetSocketAddress("127.0.0.1", Integer.parseInt(arguments[0])), 1, THREADS);
    System.out.println("PORT " + server.getLocalAddress().getPort());
  }
}

class Backend extends MemoryBackend {
  // A real server waits for a second; less shortens what a connection waits behind another one on the same thread.
  private static final long LONGEST_WAIT_MS = 500;

  private final Changes changes = new Changes();

  Backend() {
    // The library reports 5.0 with wire version 8 (that is 4.2's), and the npm driver refuses anything below 9.
    version(new MongoVersion() {
      @Override
      public List<Integer> getVersionArray() {
        return List.of(5, 0, 0);
      }

      @Override
      public int getWireVersion() {
        return 13;
      }
    });
  }

  @Override
  public MemoryDatabase openOrCreateDatabase(String name) {
    return new MemoryDatabase(name, getCursorRegistry()) {
      @Override
      protected MemoryCollection openOrCreateCollection(String collection, CollectionOptions options) {
        return new WatchedCollection(this, collection, options, cursorRegistry, changes);
      }
    };
  }

  @Override
  protected Oplog createOplog() {
    return new Streams(this, changes, getCursorRegistry());
  }

  @Override
  public Document handleCommand(Channel channel, String database, String command, Document query) {
    var isHello = command.equals("hello");
    var answer = super.handleCommand(channel, database, isHello ? "ismaster" : command, query);
    if (isHello) answer.append("isWritablePrimary", true);
    if (answer.get("cursor") instanceof Document cursor && stream(cursor.get("id")) instanceof ChangeStream stream)
      cursor.append("postBatchResumeToken", Changes.token(stream.position()));
    return answer;
  }

  @Override
  protected Document handleGetMore(String database, String command, Document query) {
    if (stream(query.get(command)) instanceof ChangeStream stream) {
      var wanted = query.get("maxTimeMS") instanceof Number number ? number.longValue() : LONGEST_WAIT_MS;
      changes.await(stream.position(), Math.min(wanted, LONGEST_WAIT_MS));
    }
    return super.handleGetMore(database, command, query);
  }

  private Cursor stream(Object id) {
    try {
      return id instanceof Number number && number.longValue() != 0 ? getCursorRegistry().getCursor(number.longValue()) : null;
    } catch (MongoServerException gone) {
      return null;
    }
  }
}

// Hands out copies, and tells every change under the lock that the library holds while it makes one.
class WatchedCollection extends MemoryCollection {
  private final Changes changes;
  // The library changes documents that it found by the same query functions: those must be the stored ones.
  private boolean isWriting;
  private boolean isReplacing;

  WatchedCollection(MongoDatabase database, String name, CollectionOptions options, CursorRegistry cursors, Changes changes) {
    super(database, name, options, cursors);
    this.changes = changes;
  }

  @Override
  protected QueryResult createQueryResult(List<Document> found, int batchSize) {
    return super.createQueryResult(isWriting ? found : found.stream().map(Document::cloneDeeply).toList(), batchSize);
  }

  @Override
  public synchronized Document findAndModify(Document query) {
    startWriting(query.get("update"));
    try {
      return super.findAndModify(query).cloneDeeply();
    } finally {
      isWriting = false;
    }
  }

  @Override
  public synchronized Document updateDocuments(
      Document selector, Document update, ArrayFilters filters, boolean isMulti, boolean isUpsert, Oplog oplog) {
    startWriting(update);
    try {
      return super.updateDocuments(selector, update, filters, isMulti, isUpsert, oplog);
    } finally {
      isWriting = false;
    }
  }

  @Override
  public synchronized int deleteDocuments(Document selector, int limit, Oplog oplog) {
    startWriting(null);
    try {
      return super.deleteDocuments(selector, limit, oplog);
    } finally {
      isWriting = false;
    }
  }

  // The library uses the index of _id only for a query that names nothing else, and scans for all others.
  @Override
  protected QueryResult queryDocuments(
      Document query, Document orderBy, int skip, int limit, int batchSize, Document fields) {
    if (query.size() < 2 || query.get("_id") == null)
      return super.queryDocuments(query, orderBy, skip, limit, batchSize, fields);
    var named = super.queryDocuments(new Document("_id", query.get("_id")), null, 0, 0, 0, null);
    var found = StreamSupport.stream(named.spliterator(), false);
    return matchDocumentsFromStream(found, query, orderBy, skip, limit, batchSize, fields);
  }

  // Read without a lock in the library.
  @Override
  public synchronized int count(Document query, int skip, int limit) {
    return super.count(query, skip, limit);
  }

  private void startWriting(Object update) {
    isWriting = true;
    isReplacing = update instanceof Document document && document.keySet().stream().noneMatch(key -> key.startsWith("$"));
  }

  @Override
  protected Integer addDocumentInternal(Document document) {
    var position = super.addDocumentInternal(document);
    tell("insert", document, Map.of("fullDocument", document.cloneDeeply()));
    return position;
  }

  @Override
  protected void removeDocument(Integer position) {
    var document = getDocument(position);
    super.removeDocument(position);
    tell("delete", document, Map.of());
  }

  @Override
  protected void handleUpdate(Integer position, Document before, Document after) {
    super.handleUpdate(position, before, after);
    if (isReplacing) {
      tell("replace", after, Map.of("fullDocument", after.cloneDeeply()));
      return;
    }
    var updated = new Document();
    var removed = new ArrayList<String>();
    compare("", before, after, updated, removed);
    var description = new Document("updatedFields", updated.cloneDeeply()).append("removedFields", removed);
    tell("update", after, Map.of("updateDescription", description.append("truncatedArrays", List.of())));
  }

  private void tell(String operation, Document document, Map<String, Object> more) {
    if (!getCollectionName().startsWith("system."))
      changes.add(getDatabaseName(), getCollectionName(), operation, document.get("_id"), more);
  }

  private static void compare(String path, Document before, Document after, Document updated, List<String> removed) {
    for (var key : after.keySet()) {
      var was = before.get(key);
      var is = after.get(key);
      if (was instanceof Document left && is instanceof Document right) compare(path + key + ".", left, right, updated, removed);
      else if (!before.containsKey(key) || !Objects.equals(was, is)) updated.put(path + key, is);
    }
    for (var key : before.keySet()) if (!after.containsKey(key)) removed.add(path + key);
  }
}

// The last changes, numbered. One list for all databases, in the order in which they were made.
class Changes {
  private static final int KEPT = 20_000;
  private static final long KEPT_BYTES = 256 << 20;

  record Change(long number, String database, String collection, Document event, long bytes) {}

  private final LinkedHashMap<Long, Change> kept = new LinkedHashMap<>();
  // Above every number of an earlier run, so that a token from then is refused rather than mistaken.
  private long last = System.currentTimeMillis() << 20;
  private long forgotten = last;
  private long bytes;

  synchronized void add(String database, String collection, String operation, Object id, Map<String, Object> more) {
    last++;
    var event = new Document("_id", token(last))
        .append("operationType", operation)
        .append("clusterTime", new BsonTimestamp(Instant.now(), (int) last))
        .append("wallTime", Instant.now())
        .append("ns", new Document("db", database).append("coll", collection));
    if (id != null) event.append("documentKey", new Document("_id", id));
    var change = new Change(last, database, collection, event.appendAll(more), weigh(more));
    kept.put(last, change);
    bytes += change.bytes();
    while (kept.size() > KEPT || bytes > KEPT_BYTES) bytes -= kept.remove(++forgotten).bytes();
    notifyAll();
  }

  private static long weigh(Object value) {
    if (value instanceof byte[] data) return data.length;
    if (value instanceof String text) return text.length();
    if (value instanceof Map<?, ?> map) return map.values().stream().mapToLong(Changes::weigh).sum();
    if (value instanceof Collection<?> list) return list.stream().mapToLong(Changes::weigh).sum();
    return 16;
  }

  synchronized long last() {
    return last;
  }

  synchronized List<Change> after(long position) {
    if (position < forgotten || position > last)
      throw new MongoServerError(286, "ChangeStreamHistoryLost", "Resume of change stream was not possible: the token is too old or foreign");
    return Stream.iterate(position + 1, number -> number <= last, number -> number + 1).map(kept::get).toList();
  }

  synchronized long before(BsonTimestamp time) {
    return kept.values().stream().filter(change -> ((BsonTimestamp) change.event().get("clusterTime")).compareTo(time) >= 0)
        .findFirst().map(change -> change.number() - 1).orElse(last);
  }

  synchronized void await(long position, long milliseconds) {
    var until = System.nanoTime() + milliseconds * 1_000_000;
    try {
      for (var left = milliseconds; last <= position && left > 0; left = (until - System.nanoTime()) / 1_000_000) wait(left);
    } catch (InterruptedException end) {
      Thread.currentThread().interrupt();
    }
  }

  static Document token(long number) {
    return new Document("_data", String.format("%016X", number));
  }

  static long number(Document token) {
    try {
      return Long.parseLong((String) token.get("_data"), 16);
    } catch (RuntimeException malformed) {
      throw new MongoServerError(260, "InvalidResumeToken", "Invalid resume token");
    }
  }
}

// Opens change streams. What is written is told by the collections, so the library's own notes about it are dropped.
class Streams implements Oplog {
  private final MongoBackend backend;
  private final Changes changes;
  private final CursorRegistry cursors;

  Streams(MongoBackend backend, Changes changes, CursorRegistry cursors) {
    this.backend = backend;
    this.changes = changes;
    this.cursors = cursors;
  }

  @Override
  public void handleInsert(String namespace, List<Document> documents) {}

  @Override
  public void handleUpdate(String namespace, Document selector, Document update, List<Object> ids) {}

  @Override
  public void handleDelete(String namespace, Document query, List<Object> ids) {}

  @Override
  public void handleDropCollection(String namespace) {
    var dot = namespace.indexOf('.');
    changes.add(namespace.substring(0, dot), namespace.substring(dot + 1), "drop", null, Map.of());
  }

  @Override
  public Cursor createCursor(Document options, String namespace, Aggregation pipeline) {
    var start = changes.last();
    if (options.get("startAtOperationTime") instanceof BsonTimestamp time) start = changes.before(time);
    for (var name : List.of("resumeAfter", "startAfter")) if (options.get(name) instanceof Document token) start = Changes.number(token);
    var dot = namespace.indexOf('.');
    var collection = namespace.substring(dot + 1);
    var cursor = new ChangeStream(cursors.generateCursorId(), start) {
      @Override
      public List<Document> takeDocuments(int limit) {
        var taken = new ArrayList<Document>();
        for (var change : changes.after(position)) {
          position = change.number();
          if (!change.database().equals(namespace.substring(0, dot))) continue;
          // The driver watches a whole database by the collection "1".
          if (!collection.equals("1") && !collection.equals(change.collection())) continue;
          taken.addAll(pipeline.runStages(Stream.of(lookedUp(change, options))));
          if (limit > 0 && taken.size() >= limit) break;
        }
        return taken;
      }
    };
    changes.after(start);
    cursors.add(cursor);
    return cursor;
  }

  private Document lookedUp(Changes.Change change, Document options) {
    var event = change.event().cloneDeeply();
    if (!"updateLookup".equals(options.get("fullDocument")) || !"update".equals(event.get("operationType"))) return event;
    var collection = backend.resolveDatabase(change.database()).resolveCollection(change.collection(), false);
    var found = collection == null ? Stream.<Document>empty() : collection.handleQueryAsStream((Document) event.get("documentKey"));
    return event.append("fullDocument", found.findFirst().orElse(null));
  }
}

abstract class ChangeStream extends AbstractCursor {
  protected volatile long position;

  ChangeStream(long id, long position) {
    super(id);
    this.position = position;
  }

  long position() {
    return position;
  }

  @Override
  public boolean isEmpty() {
    return false;
  }
}
