package arrears;

import java.io.ByteArrayOutputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Iterator;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStreamBuilder;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * Delta's log in S3, where a commit is a conditional PUT (If-None-Match): it never replaces another writer's commit.
 *
 * Delta's own store for S3 looks whether the commit is there and then writes it: two writers can both find nothing.
 * Compiled by Janino (see log_store.py), which knows neither lambdas nor try-with-resources over generics.
 */
public class ConditionalLogStore extends io.delta.storage.HadoopFileSystemLogStore {

  public ConditionalLogStore(Configuration configuration) {
    super(configuration);
  }

  public void write(Path path, Iterator<String> actions, Boolean overwrite, Configuration configuration)
      throws IOException {
    FileSystem files = path.getFileSystem(configuration);
    byte[] body = lines(actions);
    if (overwrite.booleanValue()) {
      put(files.createFile(path).overwrite(true), body);
      return;
    }
    try {
      put(files.createFile(path).overwrite(false).must("fs.option.create.conditional.overwrite", true), body);
    } catch (IOException error) {
      // Refused, or the answer was lost: what stands there tells. Delta puts an id of the transaction into each commit.
      byte[] found = read(files, path);
      if (found == null) {
        throw error;
      }
      if (!Arrays.equals(found, body)) {
        throw new java.nio.file.FileAlreadyExistsException(path.toString());
      }
    }
  }

  public Boolean isPartialWriteVisible(Path path, Configuration configuration) {
    return Boolean.FALSE;
  }

  private static byte[] lines(Iterator actions) throws IOException {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    while (actions.hasNext()) {
      body.write((actions.next() + "\n").getBytes(StandardCharsets.UTF_8));
    }
    return body.toByteArray();
  }

  private static void put(Object builder, byte[] body) throws IOException {
    OutputStream out = (OutputStream) ((FSDataOutputStreamBuilder) builder).recursive().build();
    out.write(body);
    out.close();
  }

  private static byte[] read(FileSystem files, Path path) throws IOException {
    InputStream in;
    try {
      in = files.open(path);
    } catch (FileNotFoundException nothing) {
      return null;
    }
    try {
      return in.readAllBytes();
    } finally {
      in.close();
    }
  }
}
